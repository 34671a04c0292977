"""Phases: sealed, signed and locked; what is locked falls only with its trace."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.patterns.gating import opened, spec
from workflows.data.common import Decision, Record, Verdict
from workflows.data.decision import Signed
from workflows.data.phases import altered
from workflows.errors import Misuse
from workflows.patterns.desk import Desk
from workflows.patterns.phases import Phases
from workflows.patterns.trail import Trail

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
ANN = Signed(user="ann", roles=("medical",), gate="g", verdict=Verdict.APPROVE, at=NOON)


class Text(Record):
    """What a phase of these tests comes to."""

    text: str


def through(phases: Phases, *texts: str) -> None:
    for text in texts:
        phase = phases.due()
        assert phase
        phases.seal(phase, Text(text=text))
        phases.lock(phase, [ANN])


def three() -> Phases:
    return Phases({"a": (), "b": ("a",), "c": ("a", "b"), "apart": ()})


def test_a_phase_names_its_sources_by_hash_and_the_hash_is_its_contents() -> None:
    phases = three()
    through(phases, "one", "two", "three", "four")
    a, b, c, apart = phases.versions
    assert (b.sources, c.sources) == ({"a": a.hash}, {"a": a.hash, "b": b.hash})
    assert apart.sources == {}
    assert phases.due() is None
    assert phases.output("b", Text) == Text(text="two")
    assert altered(phases.versions) is None


def test_an_amendment_lets_all_made_from_it_fall_and_keeps_it_readable() -> None:
    phases = three()
    through(phases, "one", "two", "three", "four")
    assert [v.phase for v in phases.reopen("b", "a typing error")] == ["b", "c"]
    assert phases.due() == "b"
    through(phases, "two again", "three again")
    told = [(v.phase, v.version, v.fell) for v in phases.versions]
    assert told == [
        ("a", 1, ""),
        ("b", 1, "a typing error"),
        ("c", 1, "a typing error"),
        ("apart", 1, ""),
        ("b", 2, ""),
        ("c", 2, ""),
    ]
    assert phases.versions[1].output == {"text": "two"}
    assert altered(phases.versions) is None


@pytest.mark.parametrize(
    ("place", "change", "why"),
    [
        (1, {"output": {"text": "forged"}}, "b version 1 does not have the hash"),
        (0, {"version": 2}, "a version 2 does not have the hash"),
        (0, {"signed": ()}, "b version 1 is made from a a that nobody signed"),
    ],
)
def test_a_changed_version_shows(place: int, change: dict[str, object], why: str) -> None:
    phases = three()
    through(phases, "one", "two", "three", "four")
    versions = list(phases.versions)
    versions[place] = versions[place].model_copy(update=change)
    assert why in str(altered(versions))


def test_what_is_locked_cannot_change_and_nothing_is_made_from_what_is_not() -> None:
    phases = three()
    wrong: dict[str, Callable[[], object]] = {
        "nothing of it is sealed": lambda: phases.lock("a", [ANN]),
        "is not locked": lambda: phases.seal("b", Text(text="")),
        "without a reason": lambda: phases.reopen("a", " "),
        "but nothing of it is sealed": lambda: phases.reopen("b", "why"),
        "there is no phase": lambda: phases.standing("z"),
    }
    for why, done in wrong.items():
        with pytest.raises(Misuse, match=why):
            done()
    phases.seal("a", Text(text="one"))
    with pytest.raises(Misuse, match="nobody signed"):
        phases.lock("a", [])
    phases.lock("a", [ANN])
    with pytest.raises(Misuse, match="locked already"):
        phases.lock("a", [ANN])
    with pytest.raises(Misuse, match="reopen it first"):
        phases.seal("a", Text(text="two"))


@pytest.mark.parametrize("plan", [{}, {"a": ("b",), "b": ()}, {"a": ("a",)}, {"a": "b"}])
def test_a_plan_that_cannot_be_is_refused(plan: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(Misuse):
        Phases(plan)


def test_a_verdict_that_needs_a_reason_counts_with_a_comment_only() -> None:
    gate = opened(spec("analyst", reasoned=frozenset({Verdict.APPROVE})))
    bare = Decision(verdict=Verdict.APPROVE, by="ann", comment=" ")
    assert "give a comment" in str(gate.refuse(bare))
    assert gate.refuse(bare.model_copy(update={"comment": "seen"})) is None
    assert gate.refuse(bare.model_copy(update={"verdict": Verdict.DECLINE})) is None


def test_a_trail_tells_what_its_desk_hears_with_roles() -> None:
    desk, trail = Desk(), Trail("p", lambda: NOON, {"ann": ("medical",)})
    desk.watcher = trail
    trail.gate_decided(Decision(verdict=Verdict.APPROVE, by="ann", comment="seen"))
    assert trail.signed[0].roles == ("medical",)
    row = json.loads(trail.page().model_dump_json())["rows"][0]
    assert (row["actor"]["id"], row["after"], row["reason"]) == ("ann", "approve", "seen")
    assert trail.head == trail.rows[-1].hash
