"""Tests of differences against counting every arrangement, and against published values."""

from itertools import combinations
from random import Random

import pytest

from insight.statistics import significance
from insight.statistics.significance import fisher, holm, rank_sum


def by_counting(a: list[float], b: list[float]) -> float:
    """Give p by trying all ways to choose the first group."""
    both = a + b
    ranks = [sum(x < v for x in both) + (sum(x == v for x in both) + 1) / 2 for v in both]
    middle = sum(ranks) * len(a) / len(both)
    far = abs(sum(ranks[: len(a)]) - middle)
    ways = list(combinations(ranks, len(a)))
    return sum(abs(sum(way) - middle) >= far - 1e-9 for way in ways) / len(ways)


@pytest.mark.parametrize("seed", range(8))
def test_ranks_are_tested_exactly_ties_included(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret
    a = [float(random.randint(0, 6)) for _ in range(random.randint(1, 6))]
    b = [float(random.randint(0, 9)) for _ in range(random.randint(1, 6))]
    assert rank_sum(a, b) == pytest.approx(by_counting(a, b)), f"seed {seed}"


def test_many_runs_are_tested_by_an_approximation_near_the_exact_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a, b = [float(n) for n in range(20)], [float(n) for n in range(4, 24)]
    near = rank_sum(a, b)
    monkeypatch.setattr(significance, "EXACT_UP_TO", 40)
    assert near == pytest.approx(rank_sum(a, b), rel=0.05)
    monkeypatch.undo()
    assert rank_sum(a, a) > 0.98
    assert rank_sum([1.0] * 30, [1.0] * 30) == 1.0


def test_shares_are_tested_by_fishers_exact_test() -> None:
    """The lady who tasted tea: 3 of 4 right is 17 of 35 by chance, two-sided; all right 1 of 35."""
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher(4, 4, 0, 4) == pytest.approx(2 / 70)
    assert fisher(0, 5, 0, 9) == 1.0


def test_many_tests_are_corrected_by_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_chance_alone_is_seldom_called_a_difference() -> None:
    """Of 300 pairs of equal groups about 5 % come below 0.05; never many more."""
    random = Random(7)  # noqa: S311 - no secret
    pairs = [[[random.random() for _ in range(8)] for _ in range(2)] for _ in range(300)]
    assert sum(rank_sum(a, b) < 0.05 for a, b in pairs) <= 25
