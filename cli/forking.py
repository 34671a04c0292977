"""Start a case anew from one of its steps: what came before is read back, not paid for again."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from temporalio.client import Client
from temporalio.common import RawValue, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from cli import cases
from cli.errors import BadInput
from insight.again.rewind import NoSuchStep, anew, caused, step
from insight.history.reader import Events, ordered
from insight.history.spans import WORK, Span, SpanState
from insight.report import Report, report
from insight.shown.words import counted, title
from runtime.documents import readable
from workflows import calls
from workflows.data.common import ANEW, ORIGIN_HEADER, Anew, Record
from workflows.data.effects import EffectReceipt

EFFECTS = frozenset(c.name for c in calls.ALL if c.output is EffectReceipt)
"""The calls that change something outside."""


@dataclass(frozen=True)
class Fork:
    """What a fork will do. `chosen` are the steps asked anew, the first of them `at`; `anew`
    names them to the workflow; `reused` are the model replies that are read back.
    """

    parent: str
    process: str
    events: Events
    at: Span
    chosen: tuple[Span, ...]
    anew: tuple[Anew, ...]
    reused: tuple[Span, ...]
    effects: tuple[str, ...]

    @property
    def name(self) -> str:
        """Make a workflow id for it."""
        return f"{self.parent}-fork-{secrets.token_hex(3)}"


def planned(events: Events, known: Report, named: str, *, only: bool = False) -> Fork:
    """Say what a fork at the step `named` will do. Raises BadInput.

    With `only` the step alone is asked anew; without it all it caused too.
    """
    begun = events[0].workflow_execution_started_event_attributes
    if begun.continued_execution_run_id:
        raise BadInput(
            f"{known.case} went on as a new run, and a fork begins with the input of the first:"
            " take a case of one run"
        )
    try:
        at = step(known.spans, named)
    except NoSuchStep as error:
        raise BadInput(f"{known.case}: {error}") from error
    chosen = frozenset({at.id}) if only else caused(known.flow.edges, at.id)
    done = [s for s in known.spans if s.state is SpanState.COMPLETED]
    return Fork(
        parent=known.case,
        process=known.process,
        events=events,
        at=at,
        chosen=tuple(s for s in known.spans if s.id in chosen and s.kind in WORK),
        anew=anew(known.spans, chosen),
        reused=tuple(s for s in done if s.usd is not None and s.id not in chosen),
        effects=tuple(title(s) for s in done if s.name in EFFECTS),
    )


def told(fork: Fork) -> Sequence[str]:
    """Say before it starts what a fork asks anew, reads back, and does again."""
    fresh = ", ".join(dict.fromkeys(title(span) for span in fork.chosen))
    lines = [
        f"asked anew: {fresh}",
        f"read back, not paid again: {counted(len(fork.reused), 'model reply', 'model replies')},"
        " where the input is the same",
    ]
    if fork.effects:
        lines.append(f"done again, under the new case: {', '.join(fork.effects)}")
    return [*lines, "people are asked again: what they decided in the parent does not count"]


async def start(
    client: Client, fork: Fork, *, given: Record | None = None, name: str = ""
) -> cases.Handle:
    """Start the fork: same process, queue, grade and input (or `given`), the parent as origin.

    Raises BadInput if there is a case of that id already.
    """
    parent = client.get_workflow_handle(fork.parent)
    described = await parent.describe()
    origins = await cases.origins([parent])
    [begun] = await readable(fork.events[:1], client.data_converter)
    input = begun.workflow_execution_started_event_attributes.input.payloads
    kept = {k: v for k, v in (await described.memo()).items() if k not in (ANEW, ORIGIN_HEADER)}
    marks = {ANEW: [a.model_dump() for a in fork.anew], ORIGIN_HEADER: " ".join(origins)}
    try:
        return await client.start_workflow(
            fork.process,
            args=[given] if given is not None else [RawValue(payload) for payload in input],
            id=name or fork.name,
            task_queue=described.task_queue,
            task_timeout=cases.TASK_TIMEOUT,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            memo={**kept, **marks},
        )
    except WorkflowAlreadyStartedError as taken:
        raise BadInput(f"there is a case {name!r} already; choose another --id") from taken


def paid(known: Report) -> Decimal:
    """Sum what a run's own model calls cost, replies read back left out; US dollars."""
    return sum((s.usd for s in known.spans if s.usd is not None and not s.reused), Decimal(0))


def compared(parent: Report, child: Report) -> dict[str, Any]:
    """Say what a closed fork paid beside its parent."""
    again = [s for s in child.spans if s.usd is not None]
    return {
        "parent": parent.case,
        "case": child.case,
        "status": child.status,
        "usd": str(paid(child)),
        "parent_usd": str(paid(parent)),
        "asked_anew": sum(not s.reused for s in again),
        "read_back": sum(s.reused for s in again),
    }


async def known_of(handle: cases.Handle) -> tuple[Events, Report]:
    """Fetch the history of a case and explain it."""
    events = ordered(await handle.fetch_history())
    return events, report(events, case=handle.id)
