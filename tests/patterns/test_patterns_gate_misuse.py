"""Gates that would let strangers decide, or could not end, are refused when they are built."""

from typing import Any

import pytest

from tests.patterns.gating import DAY, opened
from workflows.data.common import Verdict
from workflows.errors import Misuse
from workflows.patterns.gate import ANYBODY, GateResult, GateSpec, Level, task_gate
from workflows.patterns.otherwise import ask_person
from workflows.patterns.tasks import Tasks

SENIOR = frozenset({"senior"})
APPROVE, DECLINE, SUPPLY = Verdict.APPROVE, Verdict.DECLINE, Verdict.SUPPLY


def given(**more: Any) -> GateSpec:
    """Build a gate from raw values, right ones unless told otherwise."""
    right: dict[str, Any] = {
        "name": "review",
        "question": "?",
        "proposal": "approve",
        "people": {"ann": SENIOR, "nn": SENIOR},
        "needs": ("senior",),
        "deadline": 3 * DAY,
        "remind_every": DAY,
    }
    return GateSpec(**(right | more))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"deputies": {"ann": "dora"}}, r"deputies\['ann'\]='dora' is no collection of names"),
        ({"people": {"ann": "non-senior"}}, r"people\['ann'\]='non-senior' is no collection"),
        ({"people": {"ann": None}}, r"people\['ann'\]=None is no collection of names"),
        ({"people": {"ann": {7}}}, r"people\['ann'\] has 7, which is no name"),
        ({"people": {7: SENIOR}}, "people has 7, which is no name"),
        ({"people": "ann"}, "people='ann' maps no names"),
        ({"deputies": ("ann", "dora")}, "deputies=.* maps no names"),
        ({"excluded": "ann"}, "excluded='ann' is no collection of names"),
        ({"excluded": None}, "excluded=None is no collection of names"),
        ({"needs": "senior"}, "needs='senior' is no collection of names"),
        ({"needs": ANYBODY}, "needs='anybody' is no collection of names"),
        ({"verdicts": ("aprove",)}, "verdicts has 'aprove', no member of Verdict"),
        ({"verdicts": ("approve",)}, "verdicts has 'approve', no member of Verdict"),
        ({"verdicts": APPROVE}, "verdicts=.*; give members of Verdict"),
        ({"verdicts": None}, "verdicts=None; give members of Verdict"),
        ({"barred": {"more": "no"}}, "barred has 'more', no member of Verdict"),
        ({"deadline": 5}, "deadline=5 has no unit; use a timedelta"),
        ({"deadline": None}, "deadline=None has no unit"),
        ({"remind_every": 60}, "remind_every=60 has no unit"),
        ({"escalation": ((DAY, {"mona": SENIOR}),)}, ".* is no escalation level; use Level"),
    ],
)
def test_a_gate_with_a_text_for_names_or_a_number_for_time_is_refused_when_built(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(Misuse, match=f"gate 'review': {message}"):
        given(**wrong)


@pytest.mark.parametrize("name", ["", "  ", None])
def test_a_gate_without_a_name_is_refused_when_built(name: Any) -> None:
    with pytest.raises(Misuse, match="a gate needs a name; decisions say by it"):
        given(name=name)


@pytest.mark.parametrize(
    ("after", "people", "message"),
    [
        (5, {"mona": SENIOR}, "after=5 has no unit; use a timedelta"),
        (DAY, {"mona": "senior"}, r"people\['mona'\]='senior' is no collection of names"),
        (DAY, "mona", "people='mona' maps no names"),
    ],
)
def test_a_level_with_a_text_for_names_or_a_number_for_time_is_refused_when_built(
    after: Any, people: Any, message: str
) -> None:
    with pytest.raises(Misuse, match=f"an escalation level: {message}"):
        Level(after, people)


def test_names_may_come_in_any_collection() -> None:
    people: Any = {"ann": ["senior"], "bo": {"clerk"}, "sam": ()}
    groups: Any = {"bo": ["senior"], "mona": ("senior",)}
    spec = given(
        people=people,
        needs=["senior"],
        excluded=["sam"],
        deputies={"ann": ["dora"]},
        escalation=[Level(DAY, groups)],
    )
    assert opened(spec).may_decide() == ("ann", "dora")
    assert spec.panel(1).may_decide(()) == ("ann", "bo", "mona", "dora")


def test_tasks_with_a_text_for_roles_or_a_number_for_time_are_refused_when_built() -> None:
    async def never(spec: GateSpec, _remind: object = None) -> GateResult:
        raise AssertionError(spec)

    with pytest.raises(Misuse, match="no collection of names"):
        Tasks(never, {"ann": "clerk"})  # type: ignore[dict-item]
    with pytest.raises(Misuse, match="deadline=3 has no unit"):
        Tasks(never, {"ann": SENIOR}, deadline=3)  # type: ignore[arg-type]
    verdicts: Any = Verdict.RETRY
    with pytest.raises(Misuse, match=r"verdicts=.*; give members of Verdict"):
        task_gate("a", "?", {"ann": SENIOR}, verdicts=verdicts, deadline=DAY, remind_every=DAY)


# ---- asked because a loop or a ladder had no success ---------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "barred", "message"),
    [
        ((APPROVE,), (), "offers approve only; offer decline or supply too"),
        ((APPROVE, DECLINE), (DECLINE,), "offers approve only; offer decline or supply too"),
        ((APPROVE, DECLINE), (APPROVE,), "offers decline; after a loop or a ladder"),
        ((DECLINE,), (), "offers decline; after a loop or a ladder"),
    ],
)
def test_a_person_who_could_give_no_value_or_no_end_is_not_asked(
    verdicts: tuple[Verdict, ...], barred: tuple[Verdict, ...], message: str
) -> None:
    async def never(spec: GateSpec) -> GateResult:
        raise AssertionError(spec)

    spec = given(verdicts=verdicts, barred=dict.fromkeys(barred, "not here"))
    with pytest.raises(Misuse, match=f"gate 'review' {message}"):
        ask_person(never, spec)
    ask_person(never, given(verdicts=(APPROVE, DECLINE)))
