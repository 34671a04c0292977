"""Route: tables are whole or refused, models stay inside their rails, load is a factor."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import combinations, product
from typing import Any, Literal, get_args

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import run
from workflows.calls import READ_LOAD, Call, open_door
from workflows.data.common import Record
from workflows.data.route import (
    Load,
    LoadLevel,
    LoadQuery,
    LoadReading,
    PathProposal,
    QueueLoad,
    RouteRecord,
)
from workflows.errors import Misuse, ScopeClosed
from workflows.patterns.route import RouteLog, read_load
from workflows.patterns.route_rows import ANY, Factor, row
from workflows.patterns.route_table import LARGEST, RouteTable
from workflows.scope import current_scope, enter_scope

property_test = settings(print_blob=True, deadline=None, max_examples=100)


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Way(StrEnum):
    QUICK = "quick"
    USUAL = "usual"
    CAREFUL = "careful"


Fork = Literal["left", "right"]
FACTORS = (Factor("size", Size), Factor("known", (True, False)))
ROWS = (
    row(Way.USUAL, size=ANY, known=ANY),
    row(Way.CAREFUL, size=Size.LARGE, known=False),
    row(Way.QUICK, size=Size.SMALL, known=True),
)


def table(*rows: Any, **more: Any) -> RouteTable[Way]:
    given: dict[str, Any] = {"paths": Way, "factors": FACTORS, "policy": "p-1"}
    return RouteTable("handling", rows=rows or ROWS, **(given | more))


# ---- tables --------------------------------------------------------------------------------


def test_every_combination_takes_the_narrowest_row_that_covers_it() -> None:
    for rows in (ROWS, ROWS[::-1]):
        got = {
            (size, known): table(*rows).choose(size=size, known=known).path
            for size, known in product(Size, (True, False))
        }
        assert got == {
            (Size.SMALL, True): Way.QUICK,
            (Size.SMALL, False): Way.USUAL,
            (Size.LARGE, True): Way.USUAL,
            (Size.LARGE, False): Way.CAREFUL,
        }


def test_the_record_says_which_row_matched_and_under_which_policy() -> None:
    got = table().choose(size="large", known=False).record
    assert got == RouteRecord.model_validate(
        {
            "route": "handling",
            "policy": "p-1",
            "factors": [
                {"factor": "size", "value": "large"},
                {"factor": "known", "value": "no"},
            ],
            "row": "row 2: size=large known=no -> careful",
            "path": "careful",
            "by": "table",
            "why": "row 2: size=large known=no -> careful",
        }
    )


def test_paths_may_be_a_literal_and_factors_words_numbers_and_none() -> None:
    paths = get_args(Fork)
    made = RouteTable[Fork](
        "fork",
        paths=paths,
        factors=[Factor("tries", (0, 1, None)), Factor("state", ("new", "old"))],
        rows=[
            row("left", tries=(0, 1), state=ANY),
            row("right", tries=None, state=ANY),
        ],
        policy="1",
    )
    assert made.choose(tries=1, state="new").path == "left"
    assert made.choose(tries=None, state="old").path == "right"


SMALL, KNOWN = row(Way.QUICK, size=Size.SMALL, known=ANY), row(Way.USUAL, size=ANY, known=True)
MISUSES: dict[str, tuple[Callable[[], object], str]] = {
    "missing": (
        lambda: table(SMALL, row(Way.CAREFUL, size=Size.LARGE, known=True)),
        r"no row covers size=large known=no; add a row",
    ),
    "twice": (
        lambda: table(*ROWS, row(Way.QUICK, size=Size.LARGE, known=False)),
        r"several rows cover size=large known=no \(row 2 and row 4\); make one of them narrower",
    ),
    "crossing": (
        lambda: table(SMALL, KNOWN, row(Way.CAREFUL, size=Size.LARGE, known=False)),
        r"several rows cover size=small known=yes \(row 1 and row 2\)",
    ),
    "unreachable": (
        lambda: table(
            row(Way.USUAL, size=ANY, known=ANY),
            row(Way.QUICK, size=Size.SMALL, known=ANY),
            row(Way.CAREFUL, size=Size.LARGE, known=ANY),
        ),
        r"never reached row 1: size=any known=any -> usual; remove or mend it",
    ),
    "path never taken": (
        lambda: table(row(Way.USUAL, size=ANY, known=ANY)),
        r"no row leads to quick, careful; add a row or leave it out of paths",
    ),
    "no rows": (lambda: RouteTable("x", paths=Way, factors=FACTORS, rows=(), policy="1"), "no row"),
    "path unknown": (
        lambda: RouteTable(
            "x", paths=["a"], factors=FACTORS, rows=[row("b", size=ANY, known=ANY)], policy="1"
        ),
        r"row 1: b is not among its paths",
    ),
    "no paths": (lambda: table(paths=()), "needs a name, a policy, paths and factors"),
    "no factors": (lambda: table(factors=()), "needs a name, a policy, paths and factors"),
    "no policy": (lambda: table(policy=""), "needs a name, a policy, paths and factors"),
    "path twice": (lambda: table(paths=("a", "a")), "path given twice: a"),
    "factor twice": (lambda: table(factors=FACTORS * 2), "factor given twice: size, known"),
    "cell missing": (
        lambda: table(row(Way.QUICK, size=ANY)),
        r"row 1 says nothing of known; its factors are size, known \(a row may say ANY\)",
    ),
    "cell unknown": (
        lambda: table(row(Way.QUICK, size=ANY, known=ANY, colour="red")),
        r"row 1 names colour, which is no factor",
    ),
    "value unknown": (
        lambda: table(row(Way.QUICK, size="huge", known=ANY)),
        r"factor 'size' is never 'huge'; it is small, large",
    ),
    "number for a boolean": (
        lambda: table(row(Way.QUICK, size=ANY, known=1)),
        r"factor 'known' is never '1'; it is yes, no",
    ),
    "empty cell": (
        lambda: table(row(Way.QUICK, size=(), known=ANY)),
        r"factor 'size' is given no value; use ANY",
    ),
    "open set": (lambda: Factor("share", (0.5, 1.0)), r"0\.5 belongs to no closed set.*bands"),
    "empty word": (lambda: Factor("word", ("",)), "belongs to no closed set"),
    "no values": (lambda: Factor("size", ()), "has no values; give it all it can have"),
    "value twice": (lambda: Factor("size", ("a", "a")), "value given twice: a"),
    "words alike": (lambda: Factor("size", (1, "1")), "value given twice: 1"),
    "factor name": (lambda: Factor("the size", Size), "can be a keyword"),
    "reserved name": (lambda: Factor("allow", Size), "can be a keyword"),
    "not chosen for": (lambda: table().choose(size=Size.SMALL), r"choose\(...\) says nothing of"),
    "outside its set": (lambda: table().choose(size="huge", known=True), "never 'huge'"),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_fails_when_built_and_names_the_mend(name: str) -> None:
    build, message = MISUSES[name]
    with pytest.raises(Misuse, match=message):
        build()


def test_a_long_list_of_missing_combinations_is_cut_and_counted() -> None:
    factors = (Factor("a", range(8)), Factor("b", range(8)))
    with pytest.raises(Misuse, match=r"no row covers a=1 b=0, .* and 48 more; add a row"):
        RouteTable("x", paths="p", factors=factors, rows=[row("p", a=0, b=ANY)], policy="1")


def large(values: int, paths: int = 1, **more: Any) -> RouteTable[int]:
    rows = [row(n, number=n) for n in range(1, paths)] + [row(0, number=ANY)]
    factor = Factor("number", range(values))
    return RouteTable("x", paths=range(paths), factors=[factor], rows=rows, policy="1", **more)


def test_a_large_table_needs_an_allowance_with_its_reason() -> None:
    assert large(64, 12).choose(number=3).path == 3
    for values, paths in ((65, 1), (20, 13)):
        with pytest.raises(Misuse, match=f"{paths} paths and {values} combinations, more than"):
            large(values, paths)
        with pytest.raises(Misuse, match="allow_large needs its reason"):
            large(values, paths, allow_large=True, because=" ")
        allowed = large(values, paths, allow_large=True, because="one row for each country")
        assert allowed.choose(number=19).path == 0
    with pytest.raises(Misuse, match=f"up to {LARGEST}"):
        large(LARGEST + 1, allow_large=True, because="all of them")


VALUES = st.lists(st.integers(1, 3), min_size=1, max_size=3)


@property_test
@given(st.data())
def test_a_table_is_built_exactly_if_each_combination_has_one_narrowest_row(
    data: st.DataObject,
) -> None:
    """Against an oracle that knows rows as sets of combinations."""
    sizes = data.draw(VALUES)
    names = [f"f{place}" for place in range(len(sizes))]
    cells = st.tuples(*(st.lists(st.integers(0, n - 1), min_size=1, unique=True) for n in sizes))
    drawn = data.draw(st.lists(cells, min_size=1, max_size=4))
    if data.draw(st.booleans()):  # else few tables are whole
        drawn.append(tuple(list(range(n)) for n in sizes))
    covered = [frozenset(product(*cell)) for cell in drawn]
    everything = list(product(*(range(n) for n in sizes)))
    wanted: dict[tuple[int, ...], int] = {}
    for combination in everything:
        over = [s for s in covered if combination in s]
        narrowest = [s for s in over if not any(o < s for o in over)]
        if len(narrowest) == 1:
            wanted[combination] = covered.index(narrowest[0])
    whole = len(wanted) == len(everything) and set(wanted.values()) == set(range(len(drawn)))
    event(f"whole: {whole}")

    def build() -> RouteTable[int]:
        return RouteTable(
            "x",
            paths=range(len(drawn)),
            factors=[Factor(n, range(size)) for n, size in zip(names, sizes, strict=True)],
            rows=[
                row(place, **{n: tuple(c) for n, c in zip(names, cell, strict=True)})
                for place, cell in enumerate(drawn)
            ],
            policy="1",
        )

    if whole:
        built = build()
        for combination, path in wanted.items():
            assert built.choose(**dict(zip(names, combination, strict=True))).path == path
    else:
        with pytest.raises(Misuse, match=r"no row covers|several rows cover|never reached"):
            build()


# ---- proposals of a model ------------------------------------------------------------------

RAILS = (
    row(Way.CAREFUL, size=Size.LARGE, known=ANY),
    row(Way.USUAL, size=Size.SMALL, known=False),
    row(Way.USUAL, allow=(Way.QUICK, Way.CAREFUL), size=Size.SMALL, known=True),
)
MINIMUM = {Way.QUICK: 0.9, Way.CAREFUL: 0.5}


def guarded() -> RouteTable[Way]:
    return table(*RAILS, minimum=MINIMUM)


PROPOSALS: dict[str, tuple[str, float | None, Way, str]] = {
    "sure enough": ("quick", 0.9, Way.QUICK, ""),
    "sure": ("careful", 1.0, Way.CAREFUL, ""),
    "each path has its own bar": ("careful", 0.5, Way.CAREFUL, ""),
    "not sure enough": ("quick", 0.899, Way.USUAL, "confidence 0.899, and quick needs 0.9"),
    "unknown": ("quick", None, Way.USUAL, "confidence is unknown, and quick needs 0.9"),
    "not a number": ("quick", math.nan, Way.USUAL, "no confidence"),
    "per cent": ("quick", 95.0, Way.USUAL, "95 is no confidence from 0 to 1"),
    "negative": ("careful", -1.0, Way.USUAL, "no confidence"),
    "infinite": ("careful", math.inf, Way.USUAL, "no confidence"),
    "the table's own": ("usual", 1.0, Way.USUAL, "usual is not open to a model here"),
    "invented": ("skip it all", 1.0, Way.USUAL, "names no path of this route"),
}


@pytest.mark.parametrize("name", PROPOSALS)
def test_a_proposal_is_taken_only_inside_its_rails(name: str) -> None:
    path, confidence, wanted, refused = PROPOSALS[name]
    proposal = PathProposal(path=path, confidence=confidence)
    got = guarded().choose(proposal, size=Size.SMALL, known=True)
    assert got.path is wanted
    assert got.record.by == ("table" if refused else "model")
    assert refused in got.record.why
    assert got.record.proposal is proposal
    assert got.record.allowed == ("quick", "careful")


def test_where_no_path_is_open_every_proposal_falls_back_to_the_row() -> None:
    sure = PathProposal(path="quick", confidence=1.0)
    assert guarded().choose(sure, size=Size.LARGE, known=True).path is Way.CAREFUL
    assert guarded().choose(sure, size=Size.SMALL, known=False).path is Way.USUAL
    assert guarded().open_to_model(size=Size.LARGE, known=True) == {}


def test_a_prompt_can_name_the_paths_open_here_and_their_bars() -> None:
    open_here = guarded().open_to_model(size=Size.SMALL, known=True)
    assert open_here == {"quick": 0.9, "careful": 0.5}


@property_test
@given(
    st.sampled_from([*Way, "elsewhere"]),
    st.none() | st.floats(),
    st.sampled_from(Size),
    st.booleans(),
)
def test_no_proposal_leads_off_the_rails(
    path: str, confidence: float | None, size: Size, known: bool
) -> None:
    proposal = PathProposal(path=path, confidence=confidence)
    got = guarded().choose(proposal, size=size, known=known)
    plain = guarded().choose(size=size, known=known)
    fits = confidence is not None and MINIMUM.get(got.path, 2.0) <= confidence <= 1.0
    assert got.path is plain.path or (fits and size is Size.SMALL and known)
    assert (got.record.by == "model") == (got.path is not plain.path)
    assert RouteRecord.model_validate_json(got.record.model_dump_json()).path == got.path


RAIL_MISUSES: dict[str, tuple[Callable[[], object], str]] = {
    "no bar": (lambda: table(*RAILS, minimum={Way.QUICK: 0.9}), r"missing \['careful'\]"),
    "no bars": (lambda: table(*RAILS), r"missing \['quick', 'careful'\]"),
    "bar of a path never offered": (
        lambda: table(*RAILS, minimum={**MINIMUM, Way.USUAL: 0.5}),
        r"not offered \['usual'\]",
    ),
    "a bar that lets all pass": (
        lambda: table(*RAILS, minimum={**MINIMUM, Way.QUICK: 0}),
        r"out of range \['quick=0'\]",
    ),
    "a bar nobody reaches": (
        lambda: table(*RAILS, minimum={**MINIMUM, Way.QUICK: 1.5}),
        r"out of range \['quick=1.5'\]",
    ),
    "bar not a number": (
        lambda: table(*RAILS, minimum={**MINIMUM, Way.QUICK: math.nan}),
        r"out of range \['quick=nan'\]",
    ),
    "own path allowed": (
        lambda: table(row(Way.QUICK, allow=(Way.QUICK,), size=ANY, known=ANY)),
        "row 1: path given twice: quick",
    ),
    "allowed path unknown": (
        lambda: RouteTable(
            "x",
            paths=["a"],
            factors=FACTORS,
            rows=[row("a", allow=("b",), size=ANY, known=ANY)],
            policy="1",
            minimum={"b": 0.5},
        ),
        "row 1: b is not among its paths",
    ),
}


@pytest.mark.parametrize("name", RAIL_MISUSES)
def test_rails_with_a_gap_are_refused_when_built(name: str) -> None:
    build, message = RAIL_MISUSES[name]
    with pytest.raises(Misuse, match=message):
        build()


# ---- load ----------------------------------------------------------------------------------

UNDER_LOAD = RouteTable(
    "depth",
    paths=("full", "short"),
    factors=[Factor("load", LoadLevel)],
    rows=[
        row("full", load=LoadLevel.CALM),
        row("short", load=(LoadLevel.BUSY, LoadLevel.UNKNOWN)),
    ],
    policy="1",
)


def reading(backlog: int, oldest: float = 0.0, late_from: float | None = None) -> LoadReading:
    async def door(call: Call[Any, Any], request: Record) -> Record:
        assert (call, request) == (READ_LOAD, LoadQuery(queues=("llm-x",)))
        waited = timedelta(seconds=oldest)
        return Load(queues=(QueueLoad(queue="llm-x", backlog=backlog, oldest=waited),))

    async def read() -> LoadReading:
        late = None if late_from is None else timedelta(seconds=late_from)
        with open_door(door):
            return await read_load("llm-x", busy_from=10, late_from=late)

    return run(read())


def test_a_queue_is_busy_from_its_bound_on_or_when_the_first_waits_too_long() -> None:
    assert [reading(n).level for n in (0, 9, 10)] == ["calm", "calm", "busy"]
    assert [reading(1, late, 5.0).level for late in (4.9, 5.0)] == ["calm", "busy"]
    assert reading(1, 1e6).level == "calm"


def test_under_load_the_simpler_path_is_taken_and_the_reading_kept() -> None:
    busy = reading(12, 3.0)
    got = UNDER_LOAD.choose(load=busy)
    assert got.path == "short"
    assert got.record.load == (busy,)
    assert (busy.backlog, busy.why) == (12, "12 waiting, the first for 3.0 s")
    assert got.record.factors[0].value == "busy"
    assert UNDER_LOAD.choose(load=reading(0)).path == "full"


def failing(error: Exception, **bounds: Any) -> LoadReading:
    async def door(call: Call[Any, Any], request: Record) -> Record:
        raise error

    async def read() -> LoadReading:
        with open_door(door):
            return await read_load("llm-x", **({"busy_from": 10} | bounds))

    return run(read())


def test_load_that_cannot_be_read_is_unknown_never_calm() -> None:
    got = failing(ApplicationError("no answer", type="ServiceUnavailable"))
    assert (got.level, got.backlog) == (LoadLevel.UNKNOWN, None)
    assert got.why == "ServiceUnavailable: no answer"
    assert UNDER_LOAD.choose(load=got).path == "short"


def test_a_branch_that_was_given_up_reads_no_load() -> None:
    async def read() -> None:
        scope = current_scope().inside("late")
        scope.closed = True
        enter_scope(scope)
        await read_load("llm-x", busy_from=1)

    with pytest.raises(ScopeClosed, match="'late' was given up"):
        run(read())


@pytest.mark.parametrize("bounds", [{"busy_from": 0}, {"late_from": timedelta(0)}], ids=str)
def test_bounds_that_are_always_met_are_refused(bounds: dict[str, Any]) -> None:
    with pytest.raises(Misuse, match="'llm-x' would always be busy; use busy_from=1"):
        failing(AssertionError("nothing may be asked"), **bounds)


# ---- the log -------------------------------------------------------------------------------


def test_the_log_keeps_every_decision_in_order_with_its_time() -> None:
    async def routed() -> tuple[Way, RouteLog]:
        log = RouteLog()
        await log.take(table().choose(size=Size.LARGE, known=False))
        return await log.take(table().choose(size=Size.SMALL, known=True)), log

    path, log = run(routed())
    assert path is Way.QUICK
    assert [r.path for r in log.records] == ["careful", "quick"]
    assert log.records[0].at == datetime.fromtimestamp(0, UTC)
    assert RouteLog(log.records).records == log.records


def test_choosing_is_pure_and_needs_no_loop() -> None:
    chosen = [table().choose(size=s, known=k) for s, k in product(Size, (True, False))]
    assert all(c.record.at is None for c in chosen)
    assert all(a != b for a, b in combinations(chosen, 2))
