"""Vote: several models, or several samples of one, at once; a quorum that agrees decides.

found = await vote("label", samples_of(5, chain, prompt, Label), key=lambda v: v.label,
                   otherwise=ask_person(open_gate, spec))
"""

from collections.abc import Callable, Hashable, Sequence
from datetime import timedelta
from typing import TypeVar

from workflows.data.common import Record
from workflows.data.strategies import VoteRecord
from workflows.errors import Misuse
from workflows.patterns.checks import must_be
from workflows.patterns.count import Count
from workflows.patterns.otherwise import Otherwise
from workflows.patterns.respondents import Asking, Decided, Respondent, respondents

T = TypeVar("T", bound=Record)


async def vote(
    name: str,
    voters: Sequence[Respondent[T]],
    *,
    key: Callable[[T], Hashable],
    otherwise: Otherwise[T],
    quorum: int | None = None,
    deadline: timedelta | None = None,
    limit: int | None = None,
) -> Decided[T, VoteRecord]:
    """Ask all at once, stop as soon as the decision is certain, and cancel who is left.

    Values agree when `key` gives the same. `quorum` votes decide (None: more than half of all
    asked, those who fail included); of two that reach a lower quorum in one moment, the one whose
    last voter was named first. `otherwise` applies when none can reach it any more or the deadline
    passed: the best is then what most said, and none if that is a tie.

    Raises Misuse before anybody is asked, Unusable for a key that is none.
    """
    what = f"vote {name!r}"
    asked = respondents(what, voters, 2)
    must_be(Otherwise, otherwise, f"{what}: otherwise", "call one, as give_up()")
    count = Count(what, name, [Asking(v) for v in asked], key, quorum)
    await count.hold(deadline=deadline, limit=limit)
    if count.decided:
        return Decided(count.value, VoteRecord(**count.told(count.first)))
    value = await otherwise.act(count.unmet())
    return Decided(value, VoteRecord(**count.told(otherwise.via)))


def majority_accuracy(voters: int, quorum: int, accuracy: float, correlation: float) -> float:
    """Give the chance that at least `quorum` voters are right, each with this accuracy.

    `correlation` of their errors, from 0 to 1, follows the beta-binomial distribution: at 0 each
    errs for itself, at 1 all err together, and a vote is worth no more than one voter.
    """
    if not 0 <= accuracy <= 1 or not 0 <= correlation <= 1:
        raise Misuse("accuracy and correlation go from 0 to 1")
    if correlation == 1:
        return accuracy
    chances = [1.0]  # that so many of the voters drawn by now are right
    for drawn in range(voters):
        following = [0.0] * (drawn + 2)
        for right, chance in enumerate(chances):
            share = accuracy * (1 - correlation) + right * correlation
            next_right = share / (1 - correlation + drawn * correlation)
            following[right + 1] += chance * next_right
            following[right] += chance * (1 - next_right)
        chances = following
    return sum(chances[quorum:])
