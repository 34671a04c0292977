"""What many cases were worth: satisfaction of people, and hours saved."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from insight.graph.flow import Wait
from insight.history.facts import Drafts
from insight.history.spans import Status
from insight.shown.words import counted
from insight.statistics.compare import Ratings, rated
from insight.statistics.figures import Ratio
from insight.statistics.runs import RunSummary
from workflows.data.common import Record

HOUR = timedelta(hours=1)


class Satisfaction(Record):
    """What people thought: ratings from 1 to 5, and what became of drafts at gates."""

    rating: float | None
    rated: Ratio
    stars: Mapping[int, int]
    drafts: Drafts
    unchanged: Ratio
    """Drafts sent as they were, of all that were sent."""


class Savings(Record):
    """Hours and money saved against doing the completed cases by hand.

    `people` are the hours people still gave: so long for each decision on a draft, or where that
    is not said, all the time cases waited for a person, which is the most it can have been.
    """

    cases: int
    by_hand: float
    people: float
    hours: float
    money: float | None
    models: float
    """US dollars that model calls cost, not taken off `money`: it may be another currency."""
    assumed: str


class Labour(NamedTuple):
    """What is assumed of work by hand: time per case, price of an hour, time per decision."""

    by_hand: timedelta
    rate: float | None = None
    decision: timedelta | None = None


def _drafts(cases: Iterable[RunSummary]) -> Drafts:
    held = [case.facts.drafts for case in cases]
    return Drafts(**{f: sum(getattr(d, f) for d in held) for f in Drafts.model_fields})


def satisfaction(cases: Sequence[RunSummary], ratings: Ratings) -> Satisfaction:
    """Sum up ratings and what became of drafts."""
    stars, drafts = rated(cases, ratings), _drafts(cases)
    return Satisfaction(
        rating=sum(stars) / len(stars) if stars else None,
        rated=Ratio(part=len(stars), of=len(cases)),
        stars=dict(sorted(Counter(int(star) for star in stars).items())),
        drafts=drafts,
        unchanged=Ratio(part=drafts.unchanged, of=drafts.unchanged + drafts.changed),
    )


def savings(cases: Sequence[RunSummary], labour: Labour) -> Savings:
    """Compare completed cases with the same work done by hand."""
    done = [case for case in cases if case.status is Status.COMPLETED]
    by_hand, drafts = len(done) * labour.by_hand / HOUR, _drafts(cases)
    if labour.decision is not None:
        gates = drafts.unchanged + drafts.changed + drafts.withheld
        people = gates * labour.decision / HOUR
        assumed = f"{counted(gates, 'draft')} decided on, each for {labour.decision / HOUR:.2g} h"
    else:
        people = sum((_waited_for_people(case) for case in cases), timedelta()) / HOUR
        assumed = "all time a case waited for a person was work, the most it can be"
    hours = by_hand - people
    return Savings(
        cases=len(done),
        by_hand=by_hand,
        people=people,
        hours=hours,
        money=None if labour.rate is None else hours * labour.rate,
        models=float(sum(case.usd for case in cases)),
        assumed=assumed,
    )


def _waited_for_people(case: RunSummary) -> timedelta:
    return case.waits.get(Wait.PERSON, timedelta())
