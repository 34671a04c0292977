"""Second opinions: a sure answer passes at once, an unsure one goes before other models.

found = await opinions("hit", first, others, confidence=lambda r: r.confidence, sure=0.9,
                       key=lambda r: r.verdict, otherwise=ask_person(self.desk.open, spec))
"""

from collections.abc import Callable, Hashable, Sequence
from datetime import timedelta
from typing import TypeVar

from workflows.data.common import Record
from workflows.data.strategies import OpinionsRecord, ReplyView
from workflows.patterns.bar import Bar, asked_one
from workflows.patterns.checks import must_be
from workflows.patterns.count import Count
from workflows.patterns.otherwise import Otherwise
from workflows.patterns.respondents import Asking, Decided, Respondent, respondents

T = TypeVar("T", bound=Record)


async def opinions(
    name: str,
    first: Respondent[T],
    others: Sequence[Respondent[T]],
    *,
    confidence: Callable[[T], float | None],
    sure: float,
    key: Callable[[T], Hashable],
    otherwise: Otherwise[T],
    quorum: int | None = None,
    deadline: timedelta | None = None,
) -> Decided[T, OpinionsRecord]:
    """Ask the first; with confidence `sure` (above 0, at most 1) or more that is the answer.

    Else ask the others at once and let them vote together with the first: `quorum` equal answers
    decide (None: more than half of all). Else `otherwise`, as a person. `deadline` bounds the vote.
    `record.path` says which way it went: after `sure` further checks may be left out.

    Raises Misuse before anybody is asked, Unusable for a confidence or key that is none.
    """
    what = f"opinions {name!r}"
    one, *more = [Asking(r) for r in respondents(what, [first, *others], 2)]
    bar = Bar(what, [one.name], confidence, sure, None)
    count = Count(what, name, [one, *more], key, quorum)
    must_be(Otherwise, otherwise, f"{what}: otherwise", "call one, as give_up()")
    view, good = await asked_one(one, bar)
    if one.found is not None and good:
        replies = (view, *(a.view(None) for a in more))
        return Decided(one.found.value, _sure(name, replies, bar.why(view), count.quorum))
    await count.hold(deadline=deadline, limit=None)
    value = count.value if count.decided else await otherwise.act(count.unmet())
    fields = count.told(count.first if count.decided else otherwise.via)
    times = {"confidence": view.confidence, "started": view.started, "ended": view.ended}
    fields["replies"] = (fields["replies"][0].model_copy(update=times), *fields["replies"][1:])
    path = ("unsure", "agreed" if count.decided else "otherwise")
    return Decided(value, OpinionsRecord(**fields, path=path))


def _sure(name: str, replies: tuple[ReplyView, ...], why: str, quorum: int) -> OpinionsRecord:
    return OpinionsRecord(
        name=name,
        replies=replies,
        decided=True,
        why=f"{why}; nobody else was asked",
        via=replies[0].who,
        quorum=quorum,
        agreement=0.0,
        path=("sure",),
    )
