"""Draw what a replay found: two commands side by side, what differs, and the lines of code."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.replaying import Replayed, Turn
from insight.again.commands import Command
from insight.again.divergence import Change, Divergence
from insight.again.moments import moments

SHOWN = 12
"""How many differing places of one command are shown."""
WIDTH = 100
"""Characters of a value that are shown."""


def as_plain(found: Replayed, *, turns: bool = False, until: int | None = None) -> dict[str, Any]:
    """Give it as JSON; with `turns` every event and workflow task too, up to the event `until`."""
    told: dict[str, Any] = {
        "case": found.case,
        "process": found.process,
        "events": len(found.events),
        "commands": len(found.recorded),
        "replays": found.agrees,
        **found.comparison.model_dump(mode="json"),
    }
    if turns:
        last = found.events[-1].event_id if until is None else until
        ahead = moments(found.events, (turn.event for turn in found.turns))
        told["steps"] = [m.model_dump(mode="json") for m in ahead if m.event <= last]
        told["turns"] = [_turn(turn) for turn in found.turns if turn.event <= last]
    return told


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "event": turn.event,
        "at": turn.at.isoformat(),
        "told": list(turn.jobs),
        "decided": [c.model_dump(mode="json") for c in turn.commands],
        "failed": turn.failed,
        "branches": turn.branches,
        "waits_at": list(turn.pending),
    }


def draw(found: Replayed, console: Console) -> None:
    """Draw the outcome of one replay, the first difference in full."""
    size = f"{len(found.events)} events, {len(found.recorded)} commands"
    compared = found.comparison
    if found.agrees:
        console.print(f"{found.case}: {found.process} replays ({size})", markup=False)
    else:
        first, *others = compared.divergences
        console.print(
            f"{found.case}: {found.process} does not replay ({size});"
            f" the first difference is at event {first.at}",
            markup=False,
        )
        console.print(divergence(first))
        for other in others:
            console.print(Text(f"also at event {other.at}: {_short(other)}"))
    for note in _notes(compared.notes):
        console.print(Text(f"note: {note}", style="dim"))


def divergence(found: Divergence) -> Table:
    """Lay the two commands side by side."""
    table = Table(box=None, pad_edge=False)
    for column in ("", "recorded", "code of today"):
        table.add_column(column, overflow="fold")
    old, new = found.recorded, found.new
    for name, field in (("decision", "kind"), ("name", "name"), ("id", "id"), ("branch", "branch")):
        table.add_row(name, *(Text(str(getattr(c, field)) if c else "-") for c in (old, new)))
    table.add_row("event", *(Text(_event(c)) for c in (old, new)))
    for change in found.changes[:SHOWN] or _whole(old, new):
        shown = (Text(_cut(value)) for value in (change.old, change.new))
        table.add_row(Text(f"input {change.path}"), *shown)
    if len(found.changes) > SHOWN:
        table.add_row("", f"and {len(found.changes) - SHOWN} more places", "")
    stack = new.stack if new is not None else found.stack
    if stack:
        table.add_row("code", "", Text("\n".join(stack[:6])))
    if found.said:
        table.add_row("said", "", Text(found.said))
    return table


def _event(command: Command | None) -> str:
    if command is None:
        return "-"
    return str(command.event) if command.event else f"in the task begun at event {command.task}"


def _whole(old: Command | None, new: Command | None) -> Iterable[Change]:
    """Show all inputs of commands that are not the same."""
    given = [None if c is None or not c.inputs else list(c.inputs) for c in (old, new)]
    return [Change(path="", old=given[0], new=given[1])] if any(given) else []


def _short(found: Divergence) -> str:
    old, new = (
        f"{c.kind} {c.name}".strip() if c else "nothing" for c in (found.recorded, found.new)
    )
    if found.changes:
        return f"{old}: {_change(found.changes[0])}"
    return f"{old} was recorded, {new} is decided" if not found.said else found.said


def _notes(notes: Iterable[Any]) -> Iterable[str]:
    """Tell each kind of changed setting once, with how many commands it is true of."""
    seen: dict[str, int] = {}
    for note in notes:
        for change in note.changes:
            told = f"{note.recorded.kind} {note.recorded.name}: {_change(change)}"
            seen[told] = seen.get(told, 0) + 1
    return (f"{told} ({times}x)" if times > 1 else told for told, times in seen.items())


def _change(change: Change) -> str:
    return f"{change.path} {_cut(change.old)} -> {_cut(change.new)}"


def _cut(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
