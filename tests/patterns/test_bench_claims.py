"""The bench of claims: its loads are those the field speaks of; it holds none that cannot be."""

import pytest

from bench.claims import CLAIMS, Claim, judged

BY_NAME = {claim.name: claim for claim in CLAIMS}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_in_order_the_calls_take_what_the_field_says(claim: Claim) -> None:
    seconds = sum(s for stage in claim.in_order.stages for s in stage) * claim.items
    said = claim.before and claim.before * (60 if claim.minutes else 1)
    assert said in (None, pytest.approx(seconds))


def test_what_cannot_be_is_never_called_held() -> None:
    impossible = [c.name for c in CLAIMS if not judged(c, 9.0, c.bound / c.speed).held]
    assert impossible == ["email, fact check of the draft", "3 branches of 8, 10, 6 s"]


def test_a_run_slower_than_a_twentieth_over_the_bound_is_not_held() -> None:
    claim = BY_NAME["content, four pieces"]
    assert judged(claim, 4.6, 1.57).held
    row = judged(claim, 4.6, 1.59)
    assert (row.held, row.bound, row.overhead_ms) == (False, 15.0, 90.0)
    assert row.why
