"""Walk through a replayed history, one event after the other."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.replay_shown import divergence
from cli.replaying import Replayed, Turn
from insight.again.commands import Command
from insight.again.moments import Moment, moments


def stepped(found: Replayed, console: Console, *, until: int | None = None) -> None:
    """Show every event up to `until`, each with the state after it.

    The code's own state follows the event that starts a workflow task: only then it learns of what
    came before. On a terminal, ask before each next event.
    """
    asking = sys.stdin.isatty() and console.is_terminal
    turns = {event: tuple(told) for event, told in groupby(found.turns, lambda turn: turn.event)}
    seen: list[Turn] = []
    still, before, leap = tuple[str, ...](), 0, False
    for moment in moments(found.events, turns):
        if until is not None and moment.event > until:
            break
        for line in _event(moment, still):
            _line(console, line)
        still, here = moment.open, turns.get(moment.event, ())
        for turn in here:
            _task(console, turn)
        seen += here
        if here:
            _differing(found, console, before, moment.event)
            before = moment.event
        if asking and (here or not leap):
            said = _asked(console, seen)
            if said == "q":
                return
            leap = said == "t"


def _line(console: Console, line: str) -> None:
    """Print a line: cut where a terminal ends, whole into a pipe."""
    if console.is_terminal:
        console.print(Text(line), no_wrap=True, overflow="ellipsis")
    else:
        console.print(Text(line), soft_wrap=True)


def _event(moment: Moment, before: Sequence[str]) -> Iterator[str]:
    """Tell an event, and what is open after it where that has changed."""
    about = f"  {moment.about}" if moment.about else ""
    at = f"{moment.at:%Y-%m-%d %H:%M:%S.%f}"[:-3]
    yield f"{moment.event:>5}  {at}  {moment.what.replace('_', ' ')}{about}"
    if moment.open != tuple(before):
        names = [f"{name} x{n}" if n > 1 else name for name, n in Counter(moment.open).items()]
        yield f"{'':7}open {len(moment.open):<3} {', '.join(names)}".rstrip()


def _task(console: Console, turn: Turn) -> None:
    """Tell what the code was told, what it decided, and where it stands after it."""
    for line in _turn(turn):
        console.print(Text(f"{'':7}{line}"), soft_wrap=True)


def _turn(turn: Turn) -> Iterator[str]:
    yield f"told     {', '.join(job.replace('_', ' ') for job in turn.jobs)}"
    for command in turn.commands:
        where = f"  {command.stack[0]}" if command.stack else ""
        yield f"decides  {_said(command)}{where}"
    if turn.failed:
        yield f"breaks   {turn.failed}  {' < '.join(turn.stack[:3])}"
    if isinstance(turn.branches, list):
        for branch in turn.branches:
            yield f"branch   {_branch(branch)}"
    elif turn.pending:
        yield from (f"waits at {line}" for line in dict.fromkeys(turn.pending))


def _differing(found: Replayed, console: Console, before: int, event: int) -> None:
    """Show where the decisions of a workflow task differ from the recorded ones."""
    for differing in found.comparison.divergences:
        if before < (differing.recorded or differing).task <= event:
            console.print(divergence(differing))


def _said(command: Command) -> str:
    branch = f"{command.branch}: " if command.branch else ""
    return f"{branch}{command.kind} {command.name or command.id}".rstrip()


def _branch(branch: Any) -> str:
    note = f" ({branch.get('note')})" if branch.get("note") else ""
    return f"{branch.get('name')} {branch.get('state')}{note}"


def _asked(console: Console, turns: Sequence[Turn]) -> str:
    """Ask what to do until it is to go on: Enter, `t` or `q`; `b NAME` shows a branch."""
    while True:
        said = console.input("Enter next, t next task, b NAME look at a branch, q end: ").strip()
        if not said.startswith("b"):
            return said
        _look(console, turns, said[1:].strip())


def _look(console: Console, turns: Sequence[Turn], name: str) -> None:
    """Show one branch: where it stands, what it decided so far and by which lines."""
    seen = [command for turn in turns for command in turn.commands]
    branches = turns[-1].branches if turns else None
    told = branches if isinstance(branches, list) else []
    mine = [c for c in seen if c.branch == name or c.branch.startswith(f"{name}/")]
    states = [b for b in told if isinstance(b, dict) and b.get("name") == name]
    if not mine and not states:
        known = dict.fromkeys([*(c.branch for c in seen if c.branch)])
        console.print(Text(f"no branch {name!r} so far; there is {', '.join(known) or 'none'}"))
    for state in states:
        console.print(Text(_branch(state)))
    for command in mine:
        lines = " < ".join(command.stack[:4])
        console.print(Text(f"  {_said(command)} {list(command.inputs)}\n      {lines}"))
