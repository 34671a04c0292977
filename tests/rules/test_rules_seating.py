"""Who is asked at a gate: escalation and deputies of the policy as far as they help there."""

from datetime import timedelta
from typing import Any

import pytest

from tests.rules.dd_records import example
from workflows.data.case_file import CaseFile
from workflows.data.case_policy import ReviewPolicy
from workflows.data.common import Decision, Verdict
from workflows.patterns.gate import GateSpec, Reminder
from workflows.rules.dd.routing import NEEDS
from workflows.rules.dd.seating import people_of, reminding, seated, without

DAY = timedelta(days=1)


def policy(**changes: Any) -> ReviewPolicy:
    return ReviewPolicy.model_validate(example().review.model_dump() | changes)


def level(days: float, **people: list[str]) -> dict[str, Any]:
    reviewers = [{"name": name, "roles": roles} for name, roles in people.items()]
    return {"after": days * DAY, "reviewers": reviewers}


def spec(policy: ReviewPolicy, *needs: str, deadline: timedelta = 3 * DAY) -> GateSpec:
    return GateSpec(
        name="g",
        question="?",
        proposal="approve",
        people=people_of(policy),
        needs=needs or ("analyst",),
        deadline=deadline,
        remind_every=DAY,
        excluded=frozenset({"sam"}),
    )


CHAIN = policy(
    escalation=[level(1, zoe=["senior"]), level(2, yu=["analyst"], mira=["senior"])],
    deputies={"bo": ["dora"], "zoe": ["will"]},
)


def test_every_route_of_every_policy_has_a_gate_that_can_be_built() -> None:
    """A level or deputy that helps one route may not help another; it is left out there."""
    for needs in filter(None, NEEDS.values()):
        for deadline in (DAY / 2, 1.5 * DAY, 3 * DAY):
            asked = seated(spec(CHAIN, *needs, deadline=deadline), CHAIN)
            assert all(step.after < deadline for step in asked.escalation)
            assert len(asked.escalation) <= 2


def test_a_level_is_kept_for_the_gates_it_helps() -> None:
    asked = {
        needs: [step.after / DAY for step in seated(spec(CHAIN, *needs), CHAIN).escalation]
        for needs in (("analyst",), ("senior",), ("compliance",))
    }
    assert asked == {("analyst",): [2], ("senior",): [1], ("compliance",): []}
    assert set(seated(spec(CHAIN, "analyst"), CHAIN).deputies) == {"bo"}
    assert set(seated(spec(CHAIN, "senior"), CHAIN).deputies) == {"bo", "zoe"}


@pytest.mark.parametrize(
    ("by", "stands_for", "left"),
    [
        ("ana", None, ("bo", "mira", "dora")),
        ("dora", "bo", ("ana", "mira")),
        ("bo", "ana", ("mira",)),
    ],
)
def test_a_second_look_is_another_persons_in_another_seat(
    by: str, stands_for: str | None, left: tuple[str, ...]
) -> None:
    both = policy(deputies={"bo": ["dora"], "ana": ["bo"]})
    first = Decision(verdict=Verdict.SUPPLY, by=by, stands_for=stands_for, value={})
    asked = seated(without(spec(both, "anybody"), first), both)
    assert asked.panel(0).may_decide(()) == left


def test_of_two_people_there_is_always_one_left() -> None:
    case = example().model_dump()
    two = [{"name": "ana", "roles": ["analyst"]}, {"name": "bo", "roles": ["senior", "compliance"]}]
    case["review"] |= {"reviewers": two, "deputies": {"bo": ["ana"]}}
    small = CaseFile.model_validate(case).review
    first = Decision(verdict=Verdict.SUPPLY, by="ana", stands_for="bo", value={})
    asked = without(spec(small, "anybody"), first)
    assert asked.panel(0).may_decide(()) == ("bo",)


def test_a_reminder_says_whom_it_waits_for_and_an_escalation_whom_it_went_to() -> None:
    waits = reminding(Reminder("review", 1, ("ana", "bo")), "case x")
    level_up = reminding(Reminder("review", 2, ("zoe",), level=1), "case x")
    assert "waits for ana, bo" in waits.text
    assert "escalated (level 1) to zoe" in level_up.text
    assert (waits.template, waits.number, level_up.number) == ("review-reminder", 1, 2)


def test_the_author_decides_nothing_in_anybodys_seat_and_nobody_in_the_authors() -> None:
    author = {"name": "sam", "roles": ["analyst", "senior", "compliance"]}
    reviewers = [*example().review.model_dump()["reviewers"], author]
    mixed = policy(reviewers=reviewers, deputies={"bo": ["sam"], "sam": ["dora"]})
    for needs in filter(None, NEEDS.values()):
        panel = seated(spec(mixed, *needs), mixed).panel(0)
        assert not {"sam", "dora"} & set(panel.may_decide(()))
        assert isinstance(panel.choose("sam", "bo", ()), str)
        assert isinstance(panel.choose("dora", "sam", ()), str)
