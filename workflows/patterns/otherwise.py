"""What happens when a loop or a ladder ends without success: declared before it starts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from workflows.data.common import Record, Verdict
from workflows.errors import Misuse, Unresolved
from workflows.patterns.gate import GateResult, GateSpec, OpenGate

T = TypeVar("T")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Unmet(Generic[T]):
    """What there is when nothing was good enough: why, and the best so far if `found`."""

    name: str
    why: str
    found: bool = False
    best: T | None = None
    score: float | None = None

    def take(self) -> T:
        """Give the best so far. Raises Unresolved if there is none."""
        if not self.found:
            raise Unresolved(f"{self.name} gave no value: {self.why}")
        return self.best  # type: ignore[return-value] # None only where T has None


@dataclass(frozen=True)
class Otherwise(Generic[T]):
    """What to do without success. Build it with the functions below."""

    kind: Literal["give_up", "take_best", "take", "instead", "person"]
    act: Callable[[Unmet[T]], Awaitable[T]]
    via: str = ""


def give_up() -> Otherwise[Any]:
    """Raise Unresolved."""

    async def act(unmet: Unmet[Any]) -> Any:
        raise Unresolved(f"{unmet.name} ended without success: {unmet.why}")

    return Otherwise("give_up", act)


def take_best() -> Otherwise[Any]:
    """Take the best so far although it is not good enough. Raises Unresolved if there is none."""

    async def act(unmet: Unmet[Any]) -> Any:
        return unmet.take()

    return Otherwise("take_best", act, "best so far")


def take(value: T) -> Otherwise[T]:
    """Take `value`."""

    async def act(_unmet: Unmet[T]) -> T:
        return value

    return Otherwise("take", act, "given value")


def instead(name: str, work: Callable[[Unmet[T]], Awaitable[T]]) -> Otherwise[T]:
    """Go another path; `work` is told what there is."""
    if not name:
        raise Misuse("another path needs a name: it stands in the result")
    return Otherwise("instead", work, name)


def ask_person(open_gate: OpenGate, spec: GateSpec) -> Otherwise[Any]:
    """Ask people: approve takes the best so far, supply takes theirs, decline raises Unresolved.

    So does a gate nobody settles in time. The proposal shown is why there was no success. Raises
    Misuse if people could give no value, or could only approve although there may be nothing yet.
    """
    offered = {v for v in spec.verdicts if v not in spec.barred}
    shown = ", ".join(v for v in spec.verdicts if v in offered)
    wrong = set(spec.verdicts) - {Verdict.APPROVE, Verdict.SUPPLY, Verdict.DECLINE}
    if wrong or not {Verdict.APPROVE, Verdict.SUPPLY} & offered:
        raise Misuse(
            f"gate {spec.name!r} offers {shown}; after a loop or a ladder"
            " people approve the best, supply a value, or decline"
        )
    if offered == {Verdict.APPROVE}:
        raise Misuse(
            f"gate {spec.name!r} offers {shown} only; offer decline or supply too, for when there"
            " is nothing yet to approve"
        )

    async def act(unmet: Unmet[Any]) -> Any:
        asked = replace(spec, proposal=_proposal(unmet))
        if not unmet.found:
            barred = {**spec.barred, Verdict.APPROVE: "there is nothing yet to approve"}
            asked = replace(asked, barred=barred)
        return _settled(unmet, spec, await open_gate(asked))

    return Otherwise("person", act, f"gate {spec.name}")


def _proposal(unmet: Unmet[Any]) -> str:
    best = f"best so far scored {unmet.score:g}" if unmet.score is not None else "no score"
    return f"{unmet.name}: {unmet.why}; {best if unmet.found else 'nothing so far'}"


def _settled(unmet: Unmet[Any], spec: GateSpec, result: GateResult) -> Any:
    """Make of the decisions a value; the last one counts, and any decline before it."""
    verdicts = [d.verdict for d in result.decisions]
    if result.timed_out or not verdicts or Verdict.DECLINE in verdicts:
        how = "nobody decided in time" if Verdict.DECLINE not in verdicts else "declined"
        raise Unresolved(f"{unmet.name}: {unmet.why}; gate {spec.name!r}: {how}")
    last = result.decisions[-1]
    if last.verdict is not Verdict.SUPPLY:
        return unmet.take()
    return spec.supplies.model_validate(last.value) if spec.supplies else last.value
