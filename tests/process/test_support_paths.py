"""Support request: each combination has one path, and all paths end owing the customer the same."""

from itertools import product

import pytest

from tests.patterns.virtual import run
from tests.process.supporting import GOOD, INVENTED, POOR, Desk, asking
from workflows.data.support import (
    Reach,
    RequestReading,
    RequestType,
    Risk,
    ServiceTier,
    Size,
    Standing,
    SupportOutcome,
    SupportPath,
    SupportRequest,
    SupportResult,
)
from workflows.rules import support as rules

COUNTRIES = {Reach.DOMESTIC: "DE", Reach.INTERNATIONAL: "FR"}
ALONE = ((GOOD, GOOD), (GOOD, INVENTED), (GOOD, ...))
BOTH = ((GOOD, None), (INVENTED, GOOD), (None, POOR), (..., None), (POOR, ...))
"""What the cheap and the strong model answer: where only one is asked, and where both may be."""


def check_owed(result: SupportResult, desk: Desk) -> None:
    """Whatever the path: answered from a source or by a person, or handed to named people; told
    once, in time; and every field of the record says so.
    """
    assert result.outcome is not None
    assert result.due is not None
    assert result.in_time
    assert None not in (result.type, result.risk, result.tier, result.path)
    assert (len(desk.mails), result.told) == (1, "mail")
    assert desk.mails[0].body == result.answer != ""
    assert result.by
    if result.outcome is SupportOutcome.HANDED_OVER:
        assert desk.gates[-1].name == "handed over"
        assert all(name in result.answer for name in desk.gates[-1].people)
    elif result.by in ("knowledge", "specialist"):
        assert result.cites == GOOD.cites, "nothing without a source goes out by itself"
        assert result.risk is Risk.LOW
        assert not desk.gates
    else:
        assert result.by in desk.gates[0].people


def test_every_customer_and_type_under_every_failure_ends_in_the_same_debt() -> None:
    """8 customers x 4 types x what two models answer x people there or not."""
    seen = set()
    for standing, size, reach, type in product(Standing, Size, Reach, RequestType):
        given = asking(standing=standing, size=size, country=COUNTRIES[reach])
        answers = BOTH if path_of(given, type) is SupportPath.KNOWLEDGE else ALONE
        for (knows, special), people in product(answers, (True, False)):
            models = {"support-knowledge": knows, "support-specialist": special}
            desk = Desk(type, models, people)
            result = run(desk.resolve(given))
            check_owed(result, desk)
            seen.add((result.path, result.tier, result.outcome))
            asked = "support-knowledge" in desk.asked
            assert asked == (result.path is SupportPath.KNOWLEDGE)
    assert len(seen) == len(SupportPath) * len(ServiceTier) * len(SupportOutcome) - 2, (
        "both ends of every path in both tiers; of the specialist's, in premium only"
    )


def path_of(given: SupportRequest, type: RequestType) -> SupportPath:
    """Look the path up as the process does."""
    who, reach = given.customer.standing, rules.reach(given)
    risk = rules.RISKS.choose(type=type, standing=who, reach=reach).path
    return rules.PATHS.choose(risk=risk, tier=rules.tier(given), type=type).path


def test_tiers_differ_in_time_and_people_only() -> None:
    ended = {}
    for size in Size:
        desk = Desk(RequestType.SECURITY, {"support-specialist": POOR})
        ended[size] = run(desk.resolve(asking(size=size)))
        check_owed(ended[size], desk)
    large, small = (ended[s].model_dump(exclude={"tier", "due", "by"}) for s in Size)
    assert large == small
    assert (ended[Size.ENTERPRISE].by, ended[Size.SMALL].by) == ("nora", "tim")
    assert ended[Size.ENTERPRISE].due < ended[Size.SMALL].due  # type: ignore[operator]


def test_the_tables_are_total_and_danger_always_reaches_a_person() -> None:
    for risk, tier, type in product(Risk, ServiceTier, RequestType):
        path = rules.PATHS.choose(risk=risk, tier=tier, type=type).path
        danger = risk is Risk.HIGH or type is RequestType.SECURITY
        assert (path is SupportPath.PERSON) is danger
    for type, standing, reach in product(RequestType, Standing, Reach):
        assert rules.RISKS.choose(type=type, standing=standing, reach=reach).path in Risk


@pytest.mark.parametrize("said", [None, ..., RequestReading(type="question", confidence=0.2)])
def test_without_a_sure_reading_the_words_decide_and_the_gap_is_named(said: object) -> None:
    desk = Desk(models={"support-reading": said, "support-specialist": GOOD})
    given = asking().model_copy(update={"text": "The export fails and we were charged twice."})
    result = run(desk.resolve(given))
    check_owed(result, desk)
    assert result.type is RequestType.BILLING
    assert result.gaps[0].startswith("type by words")


def test_a_model_cannot_talk_danger_away() -> None:
    desk = Desk(RequestType.QUESTION, {"support-specialist": GOOD})
    given = asking().model_copy(update={"text": "A password was stolen, how do I export orders?"})
    result = run(desk.resolve(given))
    assert (result.type, result.path) == (RequestType.SECURITY, SupportPath.PERSON)
    assert desk.gates[0].suggests is not None


@pytest.mark.parametrize("mail", ["lost", "refused"])
def test_a_mail_that_may_not_have_come_is_seen_to_by_a_person(mail: str) -> None:
    desk = Desk(models={"support-knowledge": GOOD}, mail=mail)
    result = run(desk.resolve(asking()))
    assert len(desk.mails) == 1
    assert (result.outcome, result.told) == (SupportOutcome.ANSWERED, "tim")
    assert [g.name for g in desk.gates] == ["tell customer support-reply"]
