"""Proposal without a server: every path, every reviewer, draft and action that fails."""

from collections import Counter
from datetime import timedelta
from itertools import combinations, product
from typing import Any

import pytest

from tests.patterns.virtual import run
from tests.process.proposing import FLEET, GOOD, POOR, SECONDS, Office, Outside
from workflows.data.common import Verdict
from workflows.data.effects import AccountAction
from workflows.data.proposal import ActionPlan, ProposalAction, ProposalPath, ProposalReview
from workflows.errors import Unresolved
from workflows.rules import proposal as rules

VERDICTS = ("go", "change", "stop", None)
EVERYTHING = tuple(ProposalAction)
UNDOABLE = EVERYTHING[:3]
SENT_BY = {Verdict.APPROVE: POOR, Verdict.SUPPLY: GOOD}


def test_only_what_is_simple_small_free_of_rules_and_well_drafted_goes_fast() -> None:
    for hard, large, regulated, missed in product((True, False), repeat=4):
        changes = {"value": 50_000 if large else "49999.99", "regulated": regulated}
        case = FLEET.model_validate({**FLEET.model_dump(), **changes})
        role = rules.TIERS.tiers[hard].role
        fast = not (hard or large or regulated or missed)
        chosen = rules.path(case, role, missed=missed).path
        assert chosen is (ProposalPath.FAST if fast else ProposalPath.FULL)


def test_a_plan_holds_what_is_wanted_what_that_needs_and_the_offer_in_order() -> None:
    needs = {EVERYTHING[1]: {EVERYTHING[0]}, EVERYTHING[2]: {EVERYTHING[0], EVERYTHING[1]}}
    for size in range(len(EVERYTHING) + 1):
        for wanted in combinations(reversed(EVERYTHING), size):
            expected = rules.ALWAYS.union(wanted, *(needs.get(a, ()) for a in wanted))
            found = rules.planned(ActionPlan(actions=wanted, confidence=0))
            assert found == tuple(a for a in EVERYTHING if a in expected), wanted
    assert rules.planned(None) == EVERYTHING


@pytest.mark.parametrize(
    ("draft", "judge", "score"), [(GOOD, 1.0, 1.0), (GOOD, 0.3, 0.3), (POOR, 1.0, 1 / 6)]
)
def test_a_draft_is_worth_no_more_than_it_covers_nor_than_the_judge_says(
    draft: Any, judge: float, score: float
) -> None:
    office = Office(drafts=(draft,), judge=judge)
    assert run(office.offer()._rate(draft)).value == pytest.approx(score)
    silent = Office(judge=None).offer()
    covered = run(silent._rate(draft))
    assert covered.value == pytest.approx(1 / 6 if draft is POOR else 1)
    assert silent.known.gaps[0].startswith("no score: ")
    assert ("offline work for two days" in covered.reason) is (draft is POOR)


@pytest.mark.parametrize("draft", [GOOD, POOR, None])
def test_the_fast_path_takes_one_draft_if_it_covers_all(draft: Any) -> None:
    office = Office(drafts=(draft,))
    offer = office.offer()
    assert run(offer.drafted("drafter")) is (draft if draft is GOOD else None)
    assert office.names == ["draft"]
    assert offer.known.rounds == (draft is GOOD)
    assert len(offer.known.gaps) == (draft is None)


def test_every_combination_of_reviews_is_asked_for_at_once_and_cleared_or_ends_it() -> None:
    """4^3 of them, with people who let it go on, do not, or stay away."""
    for said in product(VERDICTS, repeat=3):
        reviews = dict(zip(rules.REVIEWERS, said, strict=True))
        clear = [n for n, v in reviews.items() if v == "stop" or (n, v) == ("compliance", None)]
        for verdict in (Verdict.APPROVE, Verdict.DECLINE, None):
            office = Office(reviews, people={"clear": verdict})
            offer = office.offer()
            run(offer.reviewed())
            assert office.asked == [(0, f"proposal-{name}") for name in rules.REVIEWERS]
            lost = [f"no {name} review" for name, v in reviews.items() if v is None]
            assert [g.split(":")[0] for g in offer.known.gaps] == lost
            assert set(offer.known.reviews) == {n for n, v in reviews.items() if v}
            assert set(rules.to_clear(offer.known.reviews)) == set(clear)
            if verdict is Verdict.APPROVE or not clear:
                run(offer.cleared())
                assert {c.split(":")[0] for c in offer.known.cleared} == set(clear)
            else:
                why = "declined" if verdict else "nobody decided in time"
                with pytest.raises(Unresolved, match=why):
                    run(offer.cleared())
                assert len(office.gates) == 1, "the first no ends it"
            for gate in office.gates:
                mine = FLEET.compliance if gate.name == "clear compliance" else FLEET.owners
                assert tuple(gate.people) == mine


def test_the_draft_is_made_from_the_reviews_and_then_from_what_it_lacks() -> None:
    office = Office({"business": "change"}, drafts=(POOR, GOOD))
    offer = office.offer()
    remark = ProposalReview(verdict="change", remarks=("name the discount",), confidence=1)
    offer.know(reviews={"business": remark})
    assert run(offer.refined("reviewer")) == GOOD
    assert (offer.known.rounds, offer.known.stopped, offer.known.score) == (2, "quality", 1.0)
    first, _, second, _ = (p.user for p in office.prompts)
    assert "name the discount" in first
    assert "offline work for two days; " in second, "what the rules miss"
    assert "a price" in second, "and what the judge does"


@pytest.mark.parametrize(
    ("drafts", "within", "rounds", "stopped", "verdict"),
    [
        (*ended, verdict)
        for ended in (
            ((POOR,), 60 * SECONDS, 3, "rounds"),
            ((POOR,), 3 * SECONDS, 2, "deadline"),
            ((None,), 60 * SECONDS, 1, "failed"),
        )
        for verdict in (Verdict.APPROVE, Verdict.SUPPLY, Verdict.DECLINE, None)
        if verdict is not Verdict.APPROVE or ended[3] != "failed"  # nothing there to approve
    ],
)
def test_refinement_is_bound_by_rounds_and_time_and_then_the_owners_decide(
    drafts: Any, within: int, rounds: int, stopped: str, verdict: Verdict | None
) -> None:
    office = Office(drafts=drafts, people={"quality": verdict})
    offer = office.offer(rounds=3, within=timedelta(seconds=within))
    if verdict in SENT_BY:
        assert run(offer.refined("reviewer")) == SENT_BY[verdict]
        assert (offer.known.rounds, offer.known.stopped) == (rounds, stopped)
    else:
        with pytest.raises(Unresolved, match=f"stopped by {stopped} after {rounds} rounds"):
            run(offer.refined("reviewer"))
    assert office.names.count("draft") == rounds


def test_every_action_that_fails_is_undone_or_done_by_people_and_nothing_is_half_done() -> None:
    """Each before and after it took effect; what differs only in steps never reached, once."""
    orders = (AccountAction.CREATE_CUSTOMER, AccountAction.OPEN_ACCOUNT, AccountAction.SET_LIMIT)
    hows = (*(("", "refused", "down", "lost"),) * 4, ("", "down", "lost"), ("", "down"))
    ends, seen = Counter[bool](), list[dict[str, str]]()
    for how in product(*hows):
        wrong = dict(zip((*orders, "mail", "chat", "read"), how, strict=True))
        if any(reached.items() <= wrong.items() for reached in seen):
            continue
        outside = Outside(dict(wrong))
        actions = run(outside.act(EVERYTHING))
        seen.append({name: h for name, h in wrong.items() if name in outside.asked})
        sent = not any(wrong[o] for o in orders)
        ends[sent] += 1
        assert bool(actions.failed) is not sent
        outside.check(EVERYTHING, sent=sent)
        if not sent:
            assert (actions.done, actions.told, actions.verified) == ((), "", ())
            continue
        told = EVERYTHING[:-1] if wrong["chat"] else EVERYTHING
        assert (actions.told, actions.done) == ("lena" if wrong["mail"] else "mail", told)
        assert bool(actions.by_hand) is bool(wrong["read"])
        assert set(told) - set(actions.verified) == (set(UNDOABLE) if wrong["read"] else set())
    assert ends == {False: 3 * 3, True: 4 * 3 * 2}


@pytest.mark.parametrize("undo", ["clear_limit", "close_account", "delete_customer"])
@pytest.mark.parametrize("how", ["refused", "down", "lost"])
def test_an_undo_that_fails_is_a_task_and_then_nothing_is_left(undo: str, how: str) -> None:
    outside = Outside({"set_limit": "lost", undo: how})
    run(outside.act(EVERYTHING))
    assert len(outside.tasks) == 1
    outside.check(EVERYTHING, sent=False)


def test_any_plan_is_done_in_order_and_verified() -> None:
    for wanted in ((), UNDOABLE[:1], UNDOABLE[:2], UNDOABLE):
        plan = rules.planned(ActionPlan(actions=wanted, confidence=1))
        outside = Outside()
        actions = run(outside.act(plan))
        outside.check(plan, sent=True)
        assert actions.done == actions.verified == plan
        assert outside.asked[-3:] == ["mail", "chat", "read"]


def test_cancelled_at_any_moment_all_stands_and_is_told_or_nothing_is_left() -> None:
    for moment in range(1, 2 * 6 * SECONDS):
        outside = Outside()
        run(outside.act(EVERYTHING, cancel_at=moment / 2))
        outside.check(EVERYTHING, sent="mail" in outside.asked)
        assert ("read" in outside.asked) is ("mail" in outside.asked), "what is sent is verified"
