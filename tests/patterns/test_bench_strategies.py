"""The bench of strategies: the same drawn models give the same figures, and the formulas hold."""

from collections.abc import Sequence

import pytest

from bench.strategies import cascaded, hedged, packed, voted

SEED = 7


def test_a_hedge_at_the_p95_cuts_the_tail_for_few_more_calls() -> None:
    figure = hedged(SEED, 300, 0.95)
    assert figure["p99_change"] < -0.3
    assert 0 < figure["more_calls"] < 0.12
    assert figure == hedged(SEED, 300, 0.95)


@pytest.mark.parametrize("threshold", [0.7, 0.95])
def test_a_cascade_costs_what_the_formula_says(threshold: float) -> None:
    figure = cascaded(SEED, 60, threshold)
    assert figure["usd_a_question"] == figure["by_formula"]


def test_a_vote_ends_before_its_slowest_voter() -> None:
    figure = voted(SEED, 60, 3, 0.3)
    assert figure["mean_s"] < figure["mean_slowest_s"]


def test_the_fuller_a_pack_the_more_it_saves() -> None:
    saved: Sequence[float] = [packed(60, size)["saved"] for size in (1, 5, 20)]
    assert saved[0] == 0
    assert list(saved) == sorted(saved)
