"""Stages of a sequence, and what may become of one that fails."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

from workflows.data.common import Record
from workflows.errors import Misuse

T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """What becomes of a stage that failed. Build it with the functions below."""

    kind: Literal["retry", "skip", "compensate", "escalate"]
    after: timedelta = timedelta(0)


def retry(after: timedelta = timedelta(0)) -> Choice:
    """Try the stage again after a while, within the sequence's `tries`."""
    if after < timedelta(0):
        raise Misuse(f"retry(after={after}) lies in the past; use 0 or more")
    return Choice("retry", after)


def skip() -> Choice:
    """Go on with the stage's `otherwise` as its value."""
    return Choice("skip")


def compensate() -> Choice:
    """Undo what the sequence did and raise StageFailed."""
    return Choice("compensate")


def escalate() -> Choice:
    """Ask a person: retry, skip where the stage has an `otherwise`, supply where it says what."""
    return Choice("escalate")


@dataclass(frozen=True)
class Trouble:
    """What the judge knows besides the error: the `attempt` that failed, how many the bound
    leaves, the time since the stage's first attempt began, and the values of the stages `done`.
    """

    stage: str
    attempt: int
    left: int
    elapsed: timedelta
    done: Mapping[str, Any]


Judge = Callable[[BaseException, Trouble], Choice]


class Nothing:
    """Stands for a value that was not declared or is not there yet; None may be a value."""


NOTHING = Nothing()


@dataclass(frozen=True, eq=False)
class Stage(Generic[T]):
    """One call, or several, in a sequence. Raises Misuse when it could not work as written.

    `work` and `undo` are given what is done so far. `timeout` bounds one attempt. `otherwise` is
    the value where the stage is skipped, `supplies` the record a person may supply; without them
    neither is offered. `how` tells a person to undo it by hand.
    """

    name: str
    work: Callable[["Done"], Awaitable[T]]
    timeout: timedelta = field(kw_only=True)
    undo: Callable[["Done"], Awaitable[Any]] | None = field(default=None, kw_only=True)
    otherwise: T | Nothing = field(default=NOTHING, kw_only=True)
    supplies: type[T] | None = field(default=None, kw_only=True)
    how: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise Misuse("a stage needs a name; it says in records and tasks what was done")
        if not isinstance(self.timeout, timedelta):
            raise Misuse(f"stage {self.name!r}: timeout={self.timeout!r}; use a timedelta")
        if self.timeout <= timedelta(0):
            raise Misuse(f"stage {self.name!r} has no time at all; use a positive timeout")
        if not callable(self.work) or not (self.undo is None or callable(self.undo)):
            raise Misuse(f"stage {self.name!r}: give functions, not what they return (use partial)")
        if self.how and self.undo is None:
            raise Misuse(f"stage {self.name!r} tells how to undo it but has no undo; give it")
        if self.supplies is not None and not issubclass(self.supplies, Record):
            raise Misuse(f"stage {self.name!r}: what a person supplies must be a Record")

    @property
    def may_skip(self) -> bool:
        """Whether there is a value for the case that it is skipped."""
        return not isinstance(self.otherwise, Nothing)


class Done:
    """Values of the stages done so far: `done[stage]`, typed as the stage is."""

    def __init__(self) -> None:
        self._values: dict[Stage[Any], Any] = {}

    def __getitem__(self, stage: Stage[T]) -> T:
        if stage not in self._values:
            raise Misuse(f"stage {stage.name!r} is not done yet; put it before the one that asks")
        value: T = self._values[stage]
        return value

    def get(self, stage: Stage[T]) -> T | None:
        """Give a stage's value, or None: what an undo asks, whose stage may have given none."""
        return self._values.get(stage)

    def put(self, stage: Stage[T], value: T) -> None:
        """Keep a stage's value."""
        self._values[stage] = value

    def by_name(self) -> Mapping[str, Any]:
        """Give the values by the names of their stages, in order."""
        return MappingProxyType({s.name: v for s, v in self._values.items()})
