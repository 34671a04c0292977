"""Support request: each combination has one path, and all paths end owing the customer the same."""

from itertools import cycle, product

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
ALONE = tuple((GOOD, answer) for answer in (GOOD, POOR, INVENTED, None, ...))
BOTH = (
    *((GOOD, None), (POOR, GOOD), (INVENTED, POOR)),
    *((None, INVENTED), (..., None), (POOR, ...)),
)
"""What the cheap and the strong model do, where only one is asked and where both may be: answer,
guess, invent a source, fail, hang.
"""
REACHED = [
    (risk, tier, type)
    for risk, tier, type in product(Risk, ServiceTier, RequestType)
    if type is RequestType.BILLING or (risk is Risk.HIGH) is (type is RequestType.SECURITY)
]
"""Every risk, tier and type a request can have: of these types only billing may be either."""
WORDS = {
    RequestType.QUESTION: "How do I export the orders?",
    RequestType.FAULT: "The export fails.",
    RequestType.BILLING: "We want a refund.",
    RequestType.SECURITY: "Our password was stolen.",
}


def check_owed(result: SupportResult, desk: Desk, mailed: str = "ok") -> None:
    """Whatever the path: answered from a source or by a person, or handed to named people; told
    once, in time; and every field of the record says so. A mail that may not have come is seen to
    by a person.
    """
    assert result.outcome is not None
    assert result.due is not None
    assert result.in_time is (desk.people or mailed == "ok"), "who is away does not tell in time"
    assert None not in (result.type, result.risk, result.tier, result.path)
    assert (len(desk.mails), result.told) == (1, "mail" if mailed == "ok" else "tim")
    assert desk.mails[0].body == result.answer != ""
    assert result.by
    asked = [gate for gate in desk.gates if not gate.name.startswith("tell ")]
    assert (len(asked) < len(desk.gates)) is (mailed != "ok")
    if result.outcome is SupportOutcome.HANDED_OVER:
        assert asked[-1].name == "handed over"
        assert all(name in result.answer for name in asked[-1].people)
    elif result.by in ("knowledge", "specialist"):
        assert result.cites == GOOD.cites, "nothing without a source goes out by itself"
        assert result.risk is Risk.LOW
        assert not asked
    else:
        assert result.by in asked[0].people


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
            seen.add((result.risk, result.tier, result.type, result.outcome))
            asked = "support-knowledge" in desk.asked
            assert asked == (result.path is SupportPath.KNOWLEDGE)
    rows = {(*row, end) for row in REACHED for end in SupportOutcome}
    assert seen == rows, "every risk, tier and type there can be comes to both ends"


def test_nor_does_the_debt_depend_on_the_reading_or_the_mail() -> None:
    """Every risk, tier and type, with a reading that is sure, unsure, fails or hangs."""
    unsure, mails = (
        RequestReading(type="security", confidence=0.2),
        cycle(("ok", "lost", "refused")),
    )
    for (risk, tier, type), said, people in product(
        REACHED, (True, unsure, None, ...), (True, False)
    ):
        mail = next(mails)
        size = Size.ENTERPRISE if tier is ServiceTier.PREMIUM else Size.SMALL
        far = risk is Risk.HIGH and type is RequestType.BILLING
        given = asking(size=size, country=COUNTRIES[Reach.INTERNATIONAL if far else Reach.DOMESTIC])
        given = given.model_copy(update={"text": WORDS[type]})
        models = {"support-specialist": POOR, "support-knowledge": None}
        desk = Desk(type, models if said is True else {**models, "support-reading": said}, people)
        desk.mail = mail
        result = run(desk.resolve(given))
        check_owed(result, desk, mail)
        assert (result.risk, result.tier, result.type) == (risk, tier, type)
        assert len(result.gaps) == (said is not True), "type by words"


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
