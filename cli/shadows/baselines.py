"""What a candidate is held against: cases that ran, the same inputs run now, or people's words."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from temporalio.client import WorkflowExecutionStatus

from cli import cases
from cli.batch.inputs import inputs
from cli.errors import BadInput
from cli.processes import ProcessEntry
from cli.session import Session
from cli.shadows.running import Shadowed, lived_through
from cli.shadows.said import Said, said_in
from insight.statistics.acts import Act
from insight.statistics.pairs import Measured
from store.database import Store
from store.ledger import Ledger, LedgerState
from workflows.data.announce import Happening
from workflows.data.common import JSON, Record

ABOUT = ("case", "started", "decided", "seconds", "usd", "confidence")
"""Columns that are no fields of the result."""
Decided = Mapping[str, tuple[JSON, Measured]]
"""By case what was decided, field by field, and what that took."""


@dataclass(frozen=True)
class Baseline:
    """One case: its input, what it came to, and what it took. `origin` is the case whose replies
    are shared, `effects` and `acts` what it did (None: not known), `answered` that the other side
    took that, `only` that no other fields are known.
    """

    case: str
    given: Record
    result: JSON
    measured: Measured = Measured()
    effects: tuple[str, ...] | None = None
    acts: tuple[Act, ...] | None = None
    answered: bool = True
    origin: str = ""
    said: Said | None = None
    only: bool = False


async def past(here: Session, store: Store, case: str) -> tuple[ProcessEntry, Baseline]:
    """Read a case that has ended. Raises BadInput if it has not, or its history is gone."""
    handle = await here.handle(case)
    entry, described = await cases.entry_of(handle), await handle.describe()
    if described.status is not WorkflowExecutionStatus.COMPLETED:
        raise BadInput(f"{handle.id} has not ended with a result; a shadow needs one to compare")
    lived = await lived_through(here, handle)
    done = await Ledger(store).effects(handle.id)
    found = Baseline(
        case=handle.id,
        given=await _input(here, handle, entry),
        result=_json(await handle.result()),
        measured=lived.measured,
        effects=tuple(
            sorted(
                row.effect
                for row in done
                if row.state is LedgerState.DONE and row.effect not in set(Happening)
            )
        ),
        acts=lived.acts,
        origin=handle.id,
        said=await said_in(here.client, handle.id),
    )
    return entry, found


def _json(value: object) -> JSON:
    found: JSON = TypeAdapter(JSON).validate_python(value)
    return found


async def _input(here: Session, handle: cases.Handle, entry: ProcessEntry) -> Record:
    async for event in handle.fetch_history_events(page_size=1):
        payloads = event.workflow_execution_started_event_attributes.input.payloads
        (given,) = await here.client.data_converter.decode(payloads, [entry.record])
        return entry.record.model_validate(given)
    raise BadInput(f"{handle.id}: its history is gone")


def given_in(path: Path, entry: ProcessEntry) -> Iterator[Record]:
    """Read inputs: one file, JSONL, or a folder of files. Raises BadInput for a wrong one."""
    if path.is_file() and path.suffix in (".yaml", ".yml"):
        from cli.inputs import read

        yield read(path, entry.record)
        return
    found = inputs(path, entry.record)
    for wrong in found.wrong:
        raise BadInput(f"{path}: {wrong.place}: {wrong.why}")
    for item in found.items():
        yield entry.record.model_validate(item.request)


async def fresh(shadowed: Shadowed, entry: ProcessEntry, given: Any) -> Baseline:
    """Run the process itself on an input, as a shadow too. Raises BadInput if it does not end."""
    name = f"shadow-{entry.new_id(given)}"
    start = cases.Start(name, shadow=True, payer=shadowed.payer, queue=shadowed.queue)
    ran = await shadowed.run(entry, given, start)
    if ran.why:
        raise BadInput(f"the baseline of {given.case} came to nothing ({ran.id}): {ran.why}")
    return Baseline(
        *(given.case, given, ran.result, ran.measured, ran.effects, ran.acts),
        answered=False,
        origin=ran.id,
    )


def decided(path: Path) -> Decided:
    """Read what people or another tool decided, by case: a CSV with a line for each.

    Columns besides `case`, `started` and `decided` (moments) or `seconds`, `usd` and `confidence`
    are fields of the result. Raises BadInput.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error) as error:
        raise BadInput(f"--baseline {path}: {error}") from error
    if not rows or "case" not in rows[0]:
        raise BadInput(f"--baseline {path}: a first line names the columns, one of them `case`")
    return dict(_row(path, number, row) for number, row in enumerate(rows, 2))


def _row(path: Path, number: int, row: Mapping[str, str]) -> tuple[str, tuple[JSON, Measured]]:
    try:
        seconds = _number(row.get("seconds"))
        if seconds is None and row.get("started") and row.get("decided"):
            took = datetime.fromisoformat(row["decided"]) - datetime.fromisoformat(row["started"])
            seconds = took.total_seconds()
        numbers = {name: _number(row.get(name)) for name in ("usd", "confidence")}
    except (ValueError, TypeError) as error:
        raise BadInput(f"--baseline {path}: line {number}: {error}") from error
    fields: dict[str, JSON] = {
        name: {"true": True, "false": False}.get(value, value)
        for name, value in row.items()
        if name and value and name not in ABOUT
    }
    return row["case"], (fields, Measured(seconds=seconds, **numbers))


def _number(text: str | None) -> float | None:
    return float(text) if text else None
