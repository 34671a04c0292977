"""Bar: whether one respondent's answer is sure enough to be taken as it is."""

from collections.abc import Callable, Mapping, Sequence
from inspect import iscoroutine
from typing import Any, TypeVar, cast

from workflows.data.common import Record
from workflows.data.strategies import ReplyView
from workflows.errors import Misuse, Unusable
from workflows.patterns.checks import must_call
from workflows.patterns.confidence import is_share, stated
from workflows.patterns.join import join
from workflows.patterns.respondents import Asking, raise_wrong
from workflows.patterns.until import all_settled

T = TypeVar("T", bound=Record)
Threshold = float | Mapping[str, float]
Sureness = Callable[[T], float | None] | Mapping[str, Callable[[T], float | None]]


class Bar:
    """What an answer must reach to be taken without asking anybody else."""

    def __init__(
        self,
        what: str,
        names: Sequence[str],
        confidence: Sureness[Any] | None,
        threshold: Threshold | None,
        accept: Callable[[Any], bool] | None,
    ) -> None:
        self._what, self._accept = what, accept
        if (threshold is None) == (accept is None):
            raise Misuse(f"{what} takes either a threshold or accept to know when to stop")
        if threshold is not None and confidence is None:
            raise Misuse(f"{what} has a threshold and nothing to hold against it; give confidence")
        self._sure = _by_name(what, "confidence", names, confidence)
        self._at = _by_name(what, "threshold", names, threshold)
        for judge in (j for j in (*self._sure.values(), accept) if j is not None):
            must_call(judge, f"{what}: confidence or accept")
        if wrong := [t for t in self._at.values() if t is not None and not is_share(t)]:
            raise Misuse(f"{what}: threshold {wrong[0]!r} is none; it is above 0 and at most 1")

    def judge(self, name: str, value: object) -> tuple[float | None, bool]:
        """Give the confidence in a value, and whether it is sure enough."""
        who = f"{self._what}: {name!r}"
        confidence = self._sure[name]
        sure = None if confidence is None else stated(confidence, value, who)
        if self._accept is None:
            return sure, sure is not None and sure >= cast(float, self._at[name])
        try:
            good = self._accept(value)
        except Exception as error:
            raise Unusable(f"{who}: its accept failed: {error!r}") from error
        if iscoroutine(good):
            good.close()
        if not isinstance(good, bool):
            raise Unusable(f"{who}: its accept gave a {type(good).__name__}; give True or False")
        return sure, good

    def why(self, good: ReplyView) -> str:
        """Say why an answer is taken."""
        if self._accept is not None or good.confidence is None:
            return f"the answer of {good.who} was accepted"
        return f"{good.who} is sure: {good.confidence:g}, where {self._at[good.who]:g} is enough"


def _by_name(what: str, kind: str, names: Sequence[str], given: Any) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, given)
    if missing := [n for n in names if n not in given]:
        raise Misuse(f"{what}: no {kind} for {', '.join(missing)}; give each one")
    return given


async def asked_one(asking: Asking[T], bar: Bar) -> tuple[ReplyView, bool]:
    """Ask one, and say whether its answer ends the cascade."""
    joined = await join([asking.branch()], until=all_settled())
    raise_wrong(joined)
    ended = joined[asking.name]
    if asking.found is None:
        return asking.view(ended), False
    sure, good = bar.judge(asking.name, asking.found.value)
    return asking.view(ended, accepted=good, confidence=sure), good
