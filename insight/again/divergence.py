"""Where the code of today decides otherwise than a history tells."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest

from insight.again.commands import ENDS, Command, CommandKind
from workflows.data.common import JSON, Record


class Change(Record):
    """One place at which two values differ, as a JSON pointer; None for what is not there."""

    path: str
    old: JSON
    new: JSON

    def __str__(self) -> str:
        """Write it as `path: old -> new`."""
        return f"{self.path or '/'}: {self.old!r} -> {self.new!r}"


class Divergence(Record):
    """The recorded decision and the new one, side by side; either may be missing.

    `changes` tells where the inputs of the same command differ; empty where the commands are not
    the same. `said` is what the SDK says, where it noticed too, or the error the code raised;
    `task` is the id of the event that started the workflow task, `stack` where the code raised.
    """

    recorded: Command | None
    new: Command | None
    changes: tuple[Change, ...] = ()
    said: str = ""
    task: int = 0
    stack: tuple[str, ...] = ()

    @property
    def at(self) -> int:
        """Give the id of the event it shows at: of the command, else of its workflow task."""
        if self.recorded is not None:
            return self.recorded.event
        return self.new.task if self.new is not None else self.task


class Note(Record):
    """A difference that changes no decision: a time-out, a queue, a branch's name."""

    recorded: Command
    changes: tuple[Change, ...]


class Comparison(Record):
    """Everything that differs, in the order of the history. No divergences: it replays."""

    divergences: tuple[Divergence, ...] = ()
    notes: tuple[Note, ...] = ()


def compare(
    recorded: Sequence[Command], given: Sequence[Command], *, refused: str = ""
) -> Comparison:
    """Lay the recorded commands beside those newly given.

    `refused` is what the SDK said when it refused to go on; then kinds, names and order differ
    from some command on. Else they agree, and only what commands were told may differ.
    """
    before = {command.key: command for command in given}
    pairs = [(r, before[r.key]) for r in recorded if r.key in before]
    same = [(r, n) for r, n in pairs if r.name == n.name]
    found = [
        Divergence(recorded=r, new=n, changes=changes)
        for r, n in same
        if (changes := tuple(differences(list(r.inputs), list(n.inputs))))
        and r.kind is not CommandKind.LOCAL  # its marker keeps no input
    ]
    if refused:
        found.append(_first(recorded, given, refused))
    notes = (Note(recorded=r, changes=c) for r, n in same if (c := tuple(_settings(r, n))))
    ordered = sorted(found, key=lambda d: d.at)
    return Comparison(divergences=_until(ordered, refused), notes=tuple(notes))


def _until(found: Iterable[Divergence], refused: str) -> tuple[Divergence, ...]:
    """Keep what differs up to where the SDK stopped: later pairs only follow from that."""
    kept = []
    for divergence in found:
        kept.append(divergence)
        if refused and divergence.said:
            break
    return tuple(kept)


def _first(recorded: Sequence[Command], given: Sequence[Command], said: str) -> Divergence:
    """Find the first pair that is not the same command.

    Cancels and answers are looked at last: the server leaves out those that came too late.
    """
    for left_out in ({CommandKind.CANCEL, CommandKind.ANSWER, CommandKind.LOCAL}, set()):
        old = [c for c in recorded if c.kind not in left_out]
        new = [c for c in given if c.kind not in left_out]
        for r, n in zip_longest(old, new):
            if r is None or n is None or (r.kind, r.name, _id(r)) != (n.kind, n.name, _id(n)):
                return Divergence(recorded=r, new=n, said=said)
    return Divergence(recorded=None, new=None, said=said)


def _id(command: Command) -> str:
    return "" if command.kind in ENDS or command.kind is CommandKind.CANCEL else command.id


def _settings(recorded: Command, new: Command) -> Iterator[Change]:
    """Compare what the new command sets: the server fills in what is not set."""
    if new.branch != recorded.branch:
        yield Change(path="branch", old=recorded.branch, new=new.branch)
    for name, value in new.settings.items():
        if recorded.settings.get(name) != value:
            yield Change(path=name, old=recorded.settings.get(name), new=value)


def differences(old: JSON, new: JSON, path: str = "") -> Iterator[Change]:
    """Give every place at which two JSON values differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key), new.get(key), f"{path}/{_escaped(key)}")
    elif isinstance(old, list) and isinstance(new, list):
        for place, (before, after) in enumerate(zip_longest(old, new)):
            yield from differences(before, after, f"{path}/{place}")
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield Change(path=path, old=old, new=new)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
