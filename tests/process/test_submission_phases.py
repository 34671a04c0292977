"""Regulatory submission without a server: each branch that fails, and what an amendment undoes."""

from collections.abc import Mapping

import pytest

from tests.patterns.virtual import run
from tests.process.submitting import TABLETS, Office
from workflows.data.audit import broken
from workflows.data.common import Decision, Verdict
from workflows.data.phases import altered
from workflows.data.submission import Bundle, Phase
from workflows.errors import BudgetSpent, ModelUnavailable

SETS = tuple(d.name for d in TABLETS.data_sets)
DOCUMENTS = tuple(d.name for d in TABLETS.documents)
BRANCHES = {
    **{f"analysis-1-{name}": name for name in SETS},
    **{f"writing-1-{name}": name for name in DOCUMENTS},
    **{f"review-1-{name}": name for name in DOCUMENTS},
}


def submitted(
    fails: Mapping[str, Exception], wishes: tuple[Decision, ...] = ()
) -> tuple[Office, Bundle]:
    async def work() -> Office:
        office = Office(fails, {wish.gate: wish for wish in wishes})
        await office.submit()
        return office

    office = run(work())
    office.check()
    assert altered(office.signing.phases.versions) is None
    rows = [row.model_dump(mode="json") for row in office.signing.trail.rows]
    assert broken(rows, office.signing.trail.head) is None
    return office, office.signing.phases.output(Phase.BUNDLE, Bundle)


def test_all_of_a_phase_is_done_at_once_and_without_a_gap_nobody_needs_a_reason() -> None:
    office, bundle = submitted({})
    starts = {
        phase: {at for at, name in office.asked if name.startswith(phase)}
        for phase in ("analysis", "writing", "review")
    }
    assert starts == {"analysis": {0}, "writing": {2}, "review": {4}}
    assert len(office.asked) == len(BRANCHES)
    assert bundle.gaps == ()
    assert [e.document for e in bundle.entries] == list(DOCUMENTS)
    assert not any(Verdict.APPROVE in gate.reasoned for gate in office.gates)


@pytest.mark.parametrize("error", [ModelUnavailable("down"), BudgetSpent("no money")])
@pytest.mark.parametrize("branch", BRANCHES)
def test_a_branch_that_fails_is_a_gap_signed_with_a_reason_and_the_others_go_on(
    branch: str, error: Exception
) -> None:
    office, bundle = submitted({branch: error})
    name = BRANCHES[branch]
    assert len(office.asked) == len(BRANCHES) - branch.startswith("writing"), "the rest is done"
    left = [d for d in DOCUMENTS if not (branch.startswith("writing") and d == name)]
    assert [e.document for e in bundle.entries] == left
    assert any(name in gap and str(error) in gap for gap in bundle.gaps)
    if branch.startswith("analysis"):
        cited = [g for g in bundle.gaps if f"cites {name}, which was not read" in g]
        assert len(cited) == len(DOCUMENTS), "what cites it is objected to"
    reasoned = [g.name.split("-")[1] for g in office.gates if Verdict.APPROVE in g.reasoned]
    assert reasoned[0] == branch.split("-")[0]
    assert reasoned[-1] == "bundle", "a gap stays to the end"


def test_when_nothing_answers_every_phase_is_gaps_and_still_signed_and_locked() -> None:
    office, bundle = submitted(dict.fromkeys(BRANCHES, ModelUnavailable("down")))
    assert bundle.entries == ()
    assert set(SETS) | set(DOCUMENTS) == {gap.split(":")[0].split()[-1] for gap in bundle.gaps}
    assert all(Verdict.APPROVE in gate.reasoned for gate in office.gates)


def sends_back(at: Phase, phase: Phase, by: str) -> Decision:
    value = {"phase": phase, "reason": "recount by centre"}
    return Decision(verdict=Verdict.MORE, by=by, gate=f"sign-{at}-1", value=value)


def test_a_gap_mended_by_an_amendment_is_in_no_later_bundle() -> None:
    fails = {"analysis-1-lom-301": ModelUnavailable("down")}
    office, bundle = submitted(fails, (sends_back(Phase.BUNDLE, Phase.ANALYSIS, "oren"),))
    assert bundle.gaps == office.signing.gaps() == ()


@pytest.mark.parametrize("at", list(Phase))
def test_an_amendment_does_again_what_was_made_from_it_and_tells_why(at: Phase) -> None:
    """At each gate, of each phase up to it: the others stand and are not paid for again."""
    order = list(Phase)
    by = {Phase.ANALYSIS: "tomas", Phase.WRITING: "yuki"}.get(at, "oren")
    for phase in order[: order.index(at) + 1]:
        office, _ = submitted({}, (sends_back(at, phase, by),))
        fell = order[order.index(phase) : order.index(at) + 1]
        made = office.signing.amendments
        assert [(a.phase, a.by, a.fell) for a in made] == [
            (phase, by, tuple(f"{p} 1" for p in fell))
        ]
        again = {name.split("-")[0] for _, name in office.asked if "-2-" in name}
        assert again == {str(p) for p in fell if p is not Phase.BUNDLE}
        told = [n for n, prompt in office.prompts.items() if "recount by centre" in prompt.user]
        expected = {Phase.ANALYSIS: SETS, Phase.WRITING: DOCUMENTS}.get(phase, ())
        assert told == [f"{phase}-2-{name}" for name in expected]
