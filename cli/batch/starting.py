"""Starting a batch: what was wished for is checked, the estimate is told, the inputs are sent."""

import re
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import typer
from temporalio.client import WorkflowHandle

from cli import cases
from cli.batch.estimate import UNKNOWN, Estimate
from cli.batch.inputs import Inputs, at
from cli.batch.sending import keep
from cli.errors import BadInput
from cli.processes import PROCESSES, ProcessEntry, process
from cli.session import Session, say
from workflows.calls import MAIN_QUEUE
from workflows.data.case_batch import CaseBatch
from workflows.data.chunk import WorkOrder
from workflows.data.promotion import RunsAs
from workflows.data.spread import ItemResult, ItemState, SpreadRef, Tolerance
from workflows.grades import GRADE, Grade
from workflows.patterns.spread_work import Child, work_order

SHOWN = 10
"""Inputs that cannot be used of which it is said why; the results file has all."""
CHUNKS = {"child": 50, "step": 200}
"""Cases of one chunk: a workflow brings its whole result into its history twice."""
MOST_AT_ONCE = 2000
CASES = "cases"
"""Name under which the results of a batch are kept; their scope is the batch."""

Handle = WorkflowHandle[Any, Any]


@dataclass(frozen=True)
class Wish:
    """How a batch is to run. `usd` bounds what all its models may cost."""

    grade: Grade | None = None
    window: int = 50
    tolerance: Tolerance = Tolerance(share=0.05)
    usd: Decimal | None = None
    strict: bool = False
    sure: bool = False


def wish(grade: str, window: int, tolerate: str, budget: str, *, strict: bool, sure: bool) -> Wish:
    """Read what was wished for. Raises BadInput."""
    if grade and grade not in set(Grade):
        raise BadInput(f"--grade {grade!r}: say {' or '.join(Grade)}")
    if not 1 <= window <= MOST_AT_ONCE:
        raise BadInput(f"--window {window}: say 1 to {MOST_AT_ONCE} cases at once")
    found = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)%", tolerate)
    if found is None or (found[2] and float(found[2]) > 100):
        raise BadInput(f"--tolerate {tolerate!r}: say how many cases may fail, as 20 or 2.5%")
    share = Tolerance(share=float(found[2]) / 100) if found[2] else Tolerance(count=int(found[1]))
    usd = dollars(budget)
    return Wish(Grade(grade) if grade else None, window, share, usd, strict, sure)


def dollars(text: str) -> Decimal | None:
    """Read `--budget`; None if it is empty. Raises BadInput."""
    if text and not (re.fullmatch(r"\d{1,9}(\.\d+)?", text) and Decimal(text) > 0):
        raise BadInput(f"--budget {text!r}: write an amount in US dollars, as 25 or 0.50")
    return Decimal(text) if text else None


def grade_of(wish: Wish, redriven: CaseBatch | None, runs: RunsAs | None = None) -> Grade:
    """Say in which grade its cases run: as wished, or else as those before, or as promoted."""
    if wish.grade is not None:
        return wish.grade
    if redriven is not None:
        return Grade(redriven.grade)
    return Grade(runs.grade) if runs is not None and runs.grade else Grade.VISIBLE


@dataclass(frozen=True)
class Doing:
    """What is done with each input of a process: its own case, or as what was promoted runs."""

    entry: ProcessEntry
    runs: RunsAs | None
    grade: Grade

    def work(self) -> WorkOrder:
        """Say what does one case. Raises BadInput for a process that cannot run fused."""
        return work_of(process(self.runs.process) if self.runs else self.entry, self.grade)


def work_of(entry: ProcessEntry, grade: Grade) -> WorkOrder:
    """Say what does one case in a grade. Raises BadInput for a process that cannot run fused."""
    if grade is Grade.FUSED and entry.core is not None:
        return work_order(entry.core)
    if grade is Grade.FUSED and not entry.has_steps:
        able = ", ".join(e.name for e in PROCESSES if e.core or e.has_steps) or "none so far"
        raise BadInput(
            f"{entry.name} cannot run fused: none of its work stands in steps, because it waits for"
            f" people, timers or children, or has effects; use --grade visible (fused can be:"
            f" {able})"
        )
    return work_order(Child(entry.name, entry.record, entry.result))


def check(found: Inputs, *, strict: bool) -> None:
    """Tell which inputs cannot be used. Raises BadInput if none is left, or `strict` and any."""
    for wrong in found.wrong[:SHOWN]:
        say(f"{found.path}: {at(wrong.place)}: {wrong.why}")
    if (more := len(found.wrong) - SHOWN) > 0:
        say(f"... and {more:,} more")
    if found.wrong and (strict or not found.places):
        some = "the batch is strict" if found.places else "none is left"
        raise BadInput(
            f"{found.path}: {len(found.wrong):,} inputs cannot be used and {some}; mend them first"
        )


async def earlier(here: Session, entry: ProcessEntry, batch: str, grade: Grade | None) -> CaseBatch:
    """Give what a batch was started with that is driven again, with itself among the origins.

    Raises BadInput unless it can be.
    """
    handle = await batch_handle(here, batch)
    described = await handle.describe()
    if described.close_time is None:
        raise BadInput(f"--redrive {batch}: it still runs; wait for its end, or cancel it first")
    given = await started_with(here, handle)
    if given.process != entry.name:
        raise BadInput(f"--redrive {batch}: that was a batch of {given.process}, not {entry.name}")
    if grade is not None and work_of(entry, grade).kind != given.work.kind:
        raise BadInput(
            f"--redrive {batch}: its cases ran in another grade, so all would be done again;"
            " leave --grade out, or start a batch anew"
        )
    return given.model_copy(update={"origins": (*given.origins, handle.id)})


async def batch_handle(here: Session, batch: str) -> Handle:
    """Find a batch. Raises BadInput."""
    handle = await here.handle(batch)
    if (kind := (await handle.describe()).workflow_type) != "batch":
        raise BadInput(f"{batch} is a {kind}, no batch; `starter.py batch list` shows those")
    return handle


async def started_with(here: Session, handle: Handle) -> CaseBatch:
    """Read what a batch was started with, from its history."""
    async for event in handle.fetch_history_events(page_size=1):
        payloads = event.workflow_execution_started_event_attributes.input.payloads
        (given,) = await here.client.data_converter.decode(payloads, [CaseBatch])
        return CaseBatch.model_validate(given)
    raise BadInput(f"{handle.id}: its history is gone")


async def left(found: AsyncIterator[ItemResult], given: Inputs, work: WorkOrder) -> int:
    """Count what a redrive has to do: inputs that did not succeed as they are now."""
    done = {r.key: r.digest async for r in found if r.state is ItemState.SUCCEEDED}
    return sum(done.get(item.key) != work.digest(item.request) for item in given.items())


def agreed(foreseen: Estimate | None, count: int, wish: Wish) -> None:
    """Tell the estimate for so many cases; ask whether to start, where somebody can answer.

    Raises BadInput when it will cost more than the budget, or the answer is no.
    """
    say(f"{count:,} cases to do: {foreseen.told() if foreseen else UNKNOWN}")
    if foreseen is not None and wish.usd is not None and foreseen.usd > wish.usd:
        raise BadInput(
            f"--budget {wish.usd}: that does not pay for {count:,} cases, by the estimate"
            f" ${foreseen.usd:.2f}; raise it or give fewer inputs"
        )
    if not wish.sure and sys.stdin.isatty() and not typer.confirm("start?", err=True):
        raise BadInput("nothing was started")


async def start(
    here: Session,
    doing: Doing,
    given: Inputs,
    wish: Wish,
    redriven: CaseBatch | None,
    queue: str = MAIN_QUEUE,
) -> tuple[Handle, CaseBatch]:
    """Send the inputs and start the batch. Raises BadInput if they changed meanwhile."""
    entry, grade, work = doing.entry, doing.grade, doing.work()
    batch = f"batch-{entry.name}-{secrets.token_hex(3)}"
    total = len(given.places)
    source = await keep(here.client, batch, given.items(), total, _telling(total), queue)
    order = CaseBatch(
        process=entry.name,
        grade=grade.value,
        work=work,
        inputs=given.told(),
        source=source,
        ref=redriven.ref if redriven else SpreadRef(scope=batch, spread=CASES),
        origins=() if redriven is None else redriven.origins,
        window=wish.window,
        chunk=CHUNKS[work.kind],
        tolerance=wish.tolerance,
        usd=wish.usd,
        sequential=doing.runs is not None and doing.runs.sequential,
    )
    handle: Handle = await here.client.start_workflow(
        "batch",
        order,
        id=batch,
        task_queue=queue,
        task_timeout=cases.TASK_TIMEOUT,
        static_summary=f"{total:,} cases of {entry.name}",
        memo={GRADE: grade.value},
        priority=cases.LOW,
    )
    return handle, order


def _telling(total: int) -> Callable[[int], None]:
    def tell(sent: int) -> None:
        if sent < total:
            say(f"{sent:,} of {total:,} inputs sent")

    return tell
