"""Statistics over runs with known figures."""

from datetime import timedelta
from decimal import Decimal
from statistics import mean, median_low

import pytest

from insight.graph.flow import Wait
from insight.history.spans import Status
from insight.statistics.bottlenecks import bottlenecks
from insight.statistics.compare import Difference, Finding, compare, groups
from insight.statistics.figures import nearest_rank
from insight.statistics.runs import RunSummary
from insight.statistics.sections import Section
from insight.statistics.stats import Period, Stats, stats
from insight.statistics.worth import Labour
from tests.insight.many_runs import CHANGED, DAY, UNCHANGED, WITHHELD, summed


def figure(of: Stats, name: str) -> tuple[int, float, float, float]:
    found = next(f for f in of.figures if f.name == name)
    return found.n, found.p50, found.p95, found.total


def test_quantiles_are_values_that_occurred() -> None:
    assert [nearest_rank([3, 1, 2], share) for share in (0.01, 0.5, 0.95)] == [1, 2, 3]
    hundred = [float(n) for n in range(1, 101)]
    assert nearest_rank(hundred, 0.95) == 95
    assert nearest_rank(hundred, 0.5) == median_low(hundred)
    assert nearest_rank(hundred[:20], 0.95) == 19


def test_figures_of_a_process() -> None:
    runs = [summed(n, seconds=float(n + 1)) for n in range(20)]
    found = stats("dd", runs, running=3)
    assert figure(found, "length") == (20, 10.0, 19.0, 210.0)
    assert figure(found, "critical: person") == (20, 5.0, 9.5, 105.0)
    assert figure(found, "cost") == (20, 0.5, 0.5, 10.0)
    assert (found.cases, found.running, found.errors.share) == (20, 3, 0.0)
    assert next(f for f in found.figures if f.name == "length").mean == mean(range(1, 21))
    assert "critical: limiter" not in {f.name for f in found.figures}, "nobody waited for one"


def test_rates_are_over_the_period_and_never_more_than_happened() -> None:
    runs = [summed(n, items=5) for n in range(4)]
    assert stats("dd", runs[:1]).rates.per_hour == 1, "one in ten seconds is no 360 an hour"
    assert stats("dd", runs).rates.per_day == 4
    ten = stats("dd", runs, period=Period(DAY, DAY + timedelta(days=10))).rates
    assert (ten.per_day, ten.per_hour) == (0.4, 4 / 240)
    assert (ten.items, ten.items_per_day) == (20, 2.0)


def test_errors_are_failures_not_cancellations() -> None:
    bad = (Status.FAILED, Status.TIMED_OUT, Status.TERMINATED, Status.CANCELLED)
    found = stats("dd", [summed(0), *(summed(n, status=s) for n, s in enumerate(bad, 1))])
    assert (found.errors.part, found.errors.of) == (3, 5)


def test_paths_taken_and_paths_that_are_dead() -> None:
    runs = [summed(n, path="quick" if n < 6 else "analyst") for n in range(8)]
    found = stats("dd", [*runs, summed(9)], known_paths=("quick", "analyst", "compliance"))
    shares = [(g.name, g.runs.part, g.runs.of) for g in found.paths]
    assert shares == [("quick", 6, 9), ("analyst", 2, 9), ("(no path)", 1, 9)]
    assert found.dead == ("compliance",)


def test_without_a_path_of_its_own_a_run_is_told_by_its_steps() -> None:
    runs = [summed(0), summed(1, steps=("charge", "ship")), summed(2, steps=())]
    names = {g.name for g in stats("dd", runs).paths}
    assert names == {"ask_model + read_filings", "charge + ship", "(no step)"}


def test_rounds_count_a_section_that_went_once() -> None:
    runs = [summed(0, iterations={"credit": 3}), summed(1), summed(2, sections={})]
    (credit,) = stats("dd", runs).iterations
    assert (credit.name, credit.n, credit.p50, credit.total) == ("credit", 2, 1.0, 4.0)


def test_failures_are_counted_by_cases_in_which_a_section_failed() -> None:
    parts = [
        {"credit": Section(calls=3, failed=2, retries=1), "identity": Section(calls=1)},
        {"credit": Section(calls=1)},
    ]
    lines = stats("dd", [summed(n, sections=p) for n, p in enumerate(parts)]).sections
    assert [(s.name, s.failed.part, s.failed.of, s.retries) for s in lines] == [
        ("credit", 1, 2, 1),
        ("identity", 0, 1, 0),
    ]


def shares(n: int, credit: float) -> RunSummary:
    spent = {"credit": timedelta(seconds=credit), "rest": timedelta(seconds=10 - credit)}
    return summed(n, critical=spent)


def test_bottlenecks_are_ranked_by_their_share_and_their_trend_needs_evidence() -> None:
    runs = [shares(n, 6 + n / 100 if n < 8 else 8 + n / 100) for n in range(16)]
    first, second = bottlenecks(runs)
    assert (first.name, second.name) == ("credit", "rest")
    assert first.share == pytest.approx(0.7075)
    assert (first.older, first.newer) == pytest.approx((0.6035, 0.8115))
    assert first.trend is Finding.DIFFERS
    assert bottlenecks(runs[6:10])[0].trend is Finding.TOO_FEW
    assert bottlenecks([shares(n, 6) for n in range(16)])[0].trend is Finding.NO_EVIDENCE
    assert bottlenecks([summed(0, critical={})]) == ()


def named(found: tuple[Difference, ...], name: str) -> Difference:
    return next(d for d in found if d.name == name)


def test_a_shift_of_paths_durations_and_cost_is_found() -> None:
    old = [summed(n, 10 + n / 10, path="quick") for n in range(12)]
    new = [summed(20 + n, 20 + n / 10, path="analyst", usd=Decimal(n + 1)) for n in range(12)]
    found = compare(old, new, {})
    length = named(found, "length")
    assert (length.before, length.after, length.finding) == (10.5, 20.5, Finding.DIFFERS)
    assert named(found, "path analyst").finding is Finding.DIFFERS
    assert named(found, "cost").finding is Finding.DIFFERS
    assert stats("dd", [*old, *new]).drift == found, "drift compares the halves"


def test_few_runs_are_said_to_be_too_few() -> None:
    old, new = [summed(n, 10 + n) for n in range(4)], [summed(n, 50 + n) for n in range(4)]
    assert {d.finding for d in compare(old, new, {})} == {Finding.TOO_FEW}
    assert all(d.p is None for d in compare(old, new, {}))


def test_nothing_is_found_where_nothing_changed() -> None:
    old = [summed(n, 10 + n % 7) for n in range(30)]
    new = [summed(n, 10 + (n + 3) % 7) for n in range(30)]
    assert {d.finding for d in compare(old, new, {})} == {Finding.NO_EVIDENCE}


def test_a_path_is_flagged_where_its_quality_and_cost_differ() -> None:
    runs = [summed(n, path="a", usd=Decimal(n % 3)) for n in range(10)]
    runs += [summed(n, path="b", usd=Decimal(9 + n % 3), outcome="decline") for n in range(10, 18)]
    stars = {f"case-{n}": 5 if n < 10 else 2 for n in range(18)}
    a, b = groups(runs, lambda run: run.facts.path, stars)
    assert (a.rating, a.rated, b.rating) == (5, 10, 2)
    assert b.usd == pytest.approx(10, abs=0.2)
    assert b.outcomes == {"decline": 8}
    assert {d.name for d in b.differs} == {"cost", "rating", "outcome decline"}
    assert groups(runs[:3] + runs[-3:], lambda run: run.facts.path, stars)[0].differs == ()


def test_satisfaction_counts_ratings_and_drafts_sent_unchanged() -> None:
    made = [UNCHANGED, UNCHANGED, CHANGED, WITHHELD]
    runs = [summed(n, drafts=d) for n, d in enumerate(made)]
    found = stats("dd", runs, ratings={"case-0": 5, "case-2": 2, "of another": 1}).satisfaction
    assert (found.rating, found.rated.part, found.rated.of) == (3.5, 2, 4)
    assert found.stars == {2: 1, 5: 1}
    assert (found.unchanged.part, found.unchanged.of) == (2, 3)


def test_savings_say_what_they_assume() -> None:
    hour = timedelta(hours=1)
    runs = [summed(n, waits={Wait.PERSON: hour}, drafts=UNCHANGED) for n in range(3)]
    runs.append(summed(4, waits={Wait.PERSON: hour}, status=Status.FAILED))
    most = stats("dd", runs, labour=Labour(6 * hour, 85.0)).savings
    assert most is not None
    assert (most.cases, most.by_hand, most.people, most.hours) == (3, 18.0, 4.0, 14.0)
    assert most.money == 14 * 85
    told = stats("dd", runs, labour=Labour(6 * hour, None, timedelta(minutes=10))).savings
    assert told is not None
    assert (told.people, told.money) == (0.5, None)
    assert "3 drafts" in told.assumed
