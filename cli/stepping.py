"""Walk through a replayed history, one workflow task after the other."""

import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.replaying import Replayed, Turn
from cli.replays import divergence
from insight.book import when
from insight.commands import Command, of_event


def stepped(found: Replayed, console: Console, *, until: int | None = None) -> None:
    """Show every turn up to the event `until`. On a terminal, ask before each next one."""
    asking = sys.stdin.isatty() and console.is_terminal
    before, seen = 0, list[Command]()
    for turn in found.turns:
        if until is not None and turn.event > until:
            break
        seen += turn.commands
        for line in _turn(found, turn, before):
            console.print(Text(line))
        for differing in found.comparison.divergences:
            if before < (differing.recorded or differing).task <= turn.event:
                console.print(divergence(differing))
        before = turn.event
        if asking and not _go_on(console, turn, seen):
            return


def _turn(found: Replayed, turn: Turn, before: int) -> Iterator[str]:
    yield f"{turn.at:%Y-%m-%d %H:%M:%S}.{turn.at.microsecond // 1000:03} task at event {turn.event}"
    for event in found.events:
        if before < event.event_id <= turn.event:
            yield f"  {event.event_id:>5} {when(event):%H:%M:%S.%f} {_named(event)}"
    yield f"  told     {', '.join(job.replace('_', ' ') for job in turn.jobs)}"
    for command in turn.commands:
        where = f"  {command.stack[0]}" if command.stack else ""
        yield f"  decides  {_said(command)}{where}"
    if turn.failed:
        yield f"  breaks   {turn.failed}  {' < '.join(turn.stack[:3])}"
    if isinstance(turn.branches, list):
        for branch in turn.branches:
            yield f"  branch   {_branch(branch)}"
    elif turn.pending:
        yield from (f"  waits at {line}" for line in dict.fromkeys(turn.pending))


def _named(event: Any) -> str:
    """Name an event and what it is about."""
    group = (event.WhichOneof("attributes") or "").removesuffix("_event_attributes")
    inner = of_event(event)
    for field in ("activity_type", "workflow_type"):
        if name := getattr(getattr(inner, field, None), "name", ""):
            return f"{group.replace('_', ' ')} {name}"
    for field in ("signal_name", "timer_id", "scheduled_event_id", "started_event_id"):
        if value := getattr(inner, field, ""):
            return f"{group.replace('_', ' ')} ({field.replace('_', ' ')} {value})"
    return group.replace("_", " ")


def _said(command: Command) -> str:
    branch = f"{command.branch}: " if command.branch else ""
    return f"{branch}{command.kind} {command.name or command.id}".rstrip()


def _branch(branch: Any) -> str:
    note = f" ({branch.get('note')})" if branch.get("note") else ""
    return f"{branch.get('name')} {branch.get('state')}{note}"


def _go_on(console: Console, turn: Turn, seen: list[Command]) -> bool:
    """Ask what to do: Enter goes on, `b NAME` shows a branch, `q` ends."""
    while True:
        said = console.input("Enter next, b NAME look at a branch, q end: ").strip()
        if said == "q":
            return False
        if not said.startswith("b"):
            return True
        _look(console, turn, seen, said[1:].strip())


def _look(console: Console, turn: Turn, seen: list[Command], name: str) -> None:
    """Show one branch: where it stands, what it decided so far and by which lines."""
    branches = turn.branches if isinstance(turn.branches, list) else []
    mine = [c for c in seen if c.branch == name or c.branch.startswith(f"{name}/")]
    states = [b for b in branches if isinstance(b, dict) and b.get("name") == name]
    if not mine and not states:
        known = dict.fromkeys([*(c.branch for c in seen if c.branch)])
        console.print(Text(f"no branch {name!r} so far; there is {', '.join(known) or 'none'}"))
    for state in states:
        console.print(Text(_branch(state)))
    for command in mine:
        lines = " < ".join(command.stack[:4])
        console.print(Text(f"  {_said(command)} {list(command.inputs)}\n      {lines}"))
