"""Cascade: the cheap model first, a dearer one only where its answer is not sure enough.

found = await cascade("reading", models_of(chain, prompt, Reading), otherwise=take_best(),
                      confidence=lambda r: r.confidence, threshold=0.95)
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from workflows.data.common import Record
from workflows.data.strategies import ReplyView, StrategyRecord
from workflows.errors import Misuse
from workflows.patterns.bar import Bar, Sureness, Threshold, asked_one
from workflows.patterns.checks import must_be
from workflows.patterns.otherwise import Otherwise, Unmet
from workflows.patterns.respondents import Asking, Decided, Respondent, respondents, told

T = TypeVar("T", bound=Record)


async def cascade(
    name: str,
    asked: Sequence[Respondent[T]],
    *,
    otherwise: Otherwise[T],
    confidence: Sureness[T] | None = None,
    threshold: Threshold | None = None,
    accept: Callable[[T], bool] | None = None,
) -> Decided[T, StrategyRecord]:
    """Ask in order, cheapest first, and take the first answer that is sure enough.

    That is one whose `confidence` reaches the `threshold` (above 0, at most 1; both are given by
    name where they differ), or for which `accept` is true; None as confidence reaches nothing. Who
    fails or is late is gone past. `otherwise` applies after the last; the best is the one of most
    confidence.

    Raises Misuse before anybody is asked, Unusable for a judgement that is none.
    """
    what = f"cascade {name!r}"
    askings = [Asking(r) for r in respondents(what, asked, 1)]
    bar = Bar(what, [a.name for a in askings], confidence, threshold, accept)
    _check_otherwise(what, otherwise, confidence)
    replies: list[ReplyView] = []
    best: tuple[float, T] | None = None
    for asking in askings:
        view, good = await asked_one(asking, bar)
        replies.append(view)
        if asking.found is not None and good:
            replies += [a.view(None) for a in askings[len(replies) :]]
            record = _record(name, replies, bar.why(view), asking.name, decided=True)
            return Decided(asking.found.value, record)
        if asking.found is not None and (best is None or (view.confidence or 0.0) > best[0]):
            best = view.confidence or 0.0, asking.found.value
    why = f"nobody was sure enough: {told(replies)}"
    unmet = Unmet(name, why, True, best[1], best[0]) if best else Unmet[T](name, why)
    value = await otherwise.act(unmet)
    return Decided(value, _record(name, replies, why, otherwise.via, decided=False))


def expected_usd(stages: Sequence[tuple[float, float]]) -> float:
    """Give the expected cost of a cascade from the (cost with check, share accepted) of each stage.

    It pays while this is below the cost of the last stage alone: of two, while the cheap one with
    its check costs less than the share it accepts of the strong one.
    """
    reached, total = 1.0, 0.0
    for cost, accepted in stages:
        total += reached * cost
        reached *= 1 - accepted
    return total


def _check_otherwise(what: str, otherwise: object, confidence: object) -> None:
    must_be(Otherwise, otherwise, f"{what}: otherwise", "call one, as give_up()")
    if isinstance(otherwise, Otherwise) and otherwise.kind == "take_best" and confidence is None:
        raise Misuse(
            f"{what} takes the best of values without confidence; give `confidence`, or another"
            " `otherwise`"
        )


def _record(
    name: str, replies: Sequence[ReplyView], why: str, via: str, *, decided: bool
) -> StrategyRecord:
    return StrategyRecord(name=name, replies=tuple(replies), decided=decided, why=why, via=via)
