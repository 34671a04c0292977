"""Aggregate: one declared record out of branches, and which of them it does not rest on."""

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.joining import broken
from tests.patterns.virtual import run
from workflows.data.aggregate import (
    Aggregated,
    Ballot,
    Conflict,
    MissingBranch,
    Ranking,
    Said,
    WeightedMean,
)
from workflows.data.common import Record
from workflows.errors import AggregateFailed, Misuse
from workflows.patterns.aggregate import Rank, Vote, Weigh, sampled
from workflows.patterns.join import Branch, join
from workflows.patterns.merge import Merge
from workflows.patterns.outcome import Outcome
from workflows.patterns.until import all_settled

property_test = settings(print_blob=True, deadline=None, max_examples=100)
Results = dict[str, Outcome[Any]]


class Word(StrEnum):
    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


def gave(**values: Any) -> Results:
    return {name: Outcome(name, "succeeded", value) for name, value in values.items()}


def failed(name: str) -> Results:
    return {name: Outcome(name, "failed", error=broken())}


# ---- what a result rests on -----------------------------------------------------------------


def asked(names: str, **more: Any) -> Vote[Word]:
    return Vote(names, choices=Word, choice=lambda said: said, **more)


def test_every_declared_branch_is_counted_or_missing_and_says_why() -> None:
    results: Results = {
        **gave(a=Word.YES),
        "b": Outcome("b", "partial", Word.YES, coverage=0.6, confidence=0.9),
        "c": Outcome("c", "stale", Word.NO, age=timedelta(days=2), confidence=0.4),
        "d": Outcome("d", "defaulted", Word.NO, error=broken()),
        **failed("e"),
        "f": Outcome("f", "late", Word.NO),
        "g": Outcome("g", "skipped"),
    }
    got = asked("abcdefgh")(results)
    assert got.contributed == ("a", "b", "c", "d")
    assert got.missing == (
        MissingBranch(name="e", status="failed", why="Broken: no luck"),
        MissingBranch(name="f", status="late"),
        MissingBranch(name="g", status="skipped"),
        MissingBranch(name="h", status="not_started", why="it was not among the results"),
    )
    assert (got.stale, got.partial, got.defaulted) == (("c",), ("b",), ("d",))
    assert (got.coverage, got.confidence) == (0.6, 0.4)
    assert not got.is_whole
    assert got.value.cast == 4


def test_what_all_branches_gave_afresh_is_whole() -> None:
    got = asked("ab")(gave(a=Word.YES, b=Word.YES))
    assert got.is_whole
    assert (got.coverage, got.confidence) == (1.0, None)
    none = asked("ab")({})
    assert (none.contributed, none.coverage, none.value.winner) == ((), None, None)


def test_the_order_of_the_results_means_nothing() -> None:
    results = {**gave(a=Word.YES, b=Word.NO, c=Word.YES), **failed("d")}
    wanted = asked("abcd")(results)
    for order in permutations(results):
        assert asked("abcd")({name: results[name] for name in order}) == wanted


def test_a_join_is_aggregated_as_it_ended() -> None:
    async def work() -> Aggregated[Ballot[Word]]:
        async def say(word: Word) -> Word:
            return word

        async def fail() -> Word:
            raise broken()

        branches: list[Branch[Word]] = [
            Branch("a", lambda: say(Word.YES)),
            Branch("b", lambda: say(Word.YES)),
            Branch("c", fail),
        ]
        return asked("abc")(await join(branches, until=all_settled()))

    got = run(work())
    assert got.value.winner is Word.YES
    assert got.missing == (MissingBranch(name="c", status="failed", why="Broken: no luck"),)


def test_an_aggregate_survives_the_wire() -> None:
    ballot = asked("abc")({**gave(a=Word.YES, b=Word.NO), **failed("c")})
    ranking = Rank[Item]("ab", score=lambda i: i.size)(gave(a=Item(size=1), b=Item(size=2)))
    mean = Weigh[float]("a", {"a": 1}, number=lambda x: x)(gave(a=1.5))
    assert Aggregated[Ballot[Word]].model_validate_json(ballot.model_dump_json()) == ballot
    assert Aggregated[Ranking[Item]].model_validate_json(ranking.model_dump_json()) == ranking
    assert Aggregated[WeightedMean].model_validate_json(mean.model_dump_json()) == mean


# ---- vote ----------------------------------------------------------------------------------


def votes(said: str, **more: Any) -> Ballot[Word]:
    """Vote by letters: y, n, m, a for abstaining, x for a branch that failed."""
    words = {"y": Word.YES, "n": Word.NO, "m": Word.MAYBE, "a": None}
    results: Results = {}
    for name, letter in zip("pqrstuv", said, strict=False):
        results |= failed(name) if letter == "x" else gave(**{name: words[letter]})
    return asked("pqrstuv"[: len(said)], **more)(results).value


BALLOTS: dict[str, tuple[str, dict[str, Any], Word | None, tuple[Word, ...]]] = {
    "majority": ("yyn", {}, Word.YES, ()),
    "half is no majority": ("yynx", {}, None, ()),
    "who is missing makes the bar no lower": ("yxx", {}, None, ()),
    "two of three with one missing": ("yyx", {}, Word.YES, ()),
    "tie": ("yn", {}, None, (Word.YES, Word.NO)),
    "tie of three": ("ynm", {"needed": 1}, None, (Word.YES, Word.NO, Word.MAYBE)),
    "tie at the top only": ("nnyym", {"needed": 2}, None, (Word.YES, Word.NO)),
    "most votes": ("nnym", {"needed": 2}, Word.NO, ()),
    "unanimous": ("nnn", {"needed": 3}, Word.NO, ()),
    "not unanimous": ("nny", {"needed": 3}, None, ()),
    "quorum met": ("yyxx", {"needed": 2, "quorum": 2}, Word.YES, ()),
    "quorum missed": ("yyxx", {"needed": 2, "quorum": 3}, None, ()),
    "abstaining is not voting": ("yya", {"needed": 2, "quorum": 3}, None, ()),
    "nobody voted": ("aa", {}, None, ()),
    "nobody answered": ("xx", {}, None, ()),
}


@pytest.mark.parametrize("name", BALLOTS)
def test_a_vote_is_won_by_enough_of_all_voters(name: str) -> None:
    said, more, winner, tied = BALLOTS[name]
    got = votes(said, **more)
    assert (got.winner, got.tied) == (winner, tied)
    assert got.cast == sum(letter in "ynm" for letter in said)
    assert len(got.abstained) == said.count("a")


def test_the_ballot_names_who_voted_for_what() -> None:
    got = votes("nynx")
    assert [(v.choice, v.count, v.voters) for v in got.votes] == [
        (Word.NO, 2, ("p", "r")),
        (Word.YES, 1, ("q",)),
    ]
    assert (got.needed, got.quorum) == (3, 1)


def test_many_samples_of_one_voter_are_one_vote() -> None:
    """Five answers of one model do not outvote two other models."""
    branches = [*(f"x-{n}" for n in range(5)), "y", "z"]
    samples = {name: "x" for name in branches[:5]}
    said = {name: Word.NO for name in branches[:5]} | {"y": Word.YES, "z": Word.YES}
    vote = Vote[Word](branches, choices=Word, choice=lambda w: w, samples=samples)
    got = vote(gave(**said)).value
    assert (got.winner, got.needed, got.cast) == (Word.YES, 2, 3)
    assert got.votes[1].voters == ("x",)
    loose = Vote[Word](branches, choices=Word, choice=lambda w: w)
    assert loose(gave(**said)).value.winner is Word.NO


def test_a_voter_who_differs_with_himself_abstains() -> None:
    vote = Vote[Word](
        ["x-0", "x-1", "y"], choices=Word, choice=lambda w: w, samples={"x-0": "x", "x-1": "x"}
    )
    got = vote(gave(**{"x-0": Word.YES, "x-1": Word.NO, "y": Word.YES})).value
    assert (got.abstained, got.cast, got.winner) == (("x",), 1, None)
    one = vote({**gave(**{"x-0": Word.YES, "y": Word.YES}), **failed("x-1")}).value
    assert (one.abstained, one.winner) == ((), Word.YES)


def test_each_sample_is_asked_under_its_own_number() -> None:
    async def ask(sample: int) -> int:
        return sample

    async def all_samples() -> Mapping[str, int]:
        return (await join(sampled("gemini", 3, ask))).values

    assert run(all_samples()) == {"gemini-0": 0, "gemini-1": 1, "gemini-2": 2}
    with pytest.raises(Misuse, match="'gemini' is to be asked 0 times"):
        sampled("gemini", 0, ask)


@property_test
@given(st.text("ynmax", min_size=1, max_size=7), st.data())
def test_a_winner_leads_alone_reaches_the_bar_and_the_quorum(
    said: str, data: st.DataObject
) -> None:
    bars = st.integers(1, len(said))
    needed, quorum = data.draw(bars), data.draw(bars)
    got = votes(said, needed=needed, quorum=quorum)
    counts = {word: said.count(word[0]) for word in Word}
    best = max(counts.values())
    leaders = [w for w, n in counts.items() if n == best > 0]
    won = len(leaders) == 1 and best >= needed and sum(counts.values()) >= quorum
    assert got.winner == (leaders[0] if won else None)
    assert got.tied == (tuple(leaders) if len(leaders) > 1 else ())


# ---- merge ---------------------------------------------------------------------------------


class Company(Record):
    name: str
    founded: int | None = None
    aliases: tuple[str, ...] = ()
    status: str = "unknown"


class Filed(Record):
    founded: int | None = None
    pages: int = 0


SOURCES = ("register", "filings", "press")


def test_fields_are_taken_by_precedence_and_conflicts_are_listed() -> None:
    merge = Merge(SOURCES, Company, precedence={"founded": ("filings", "register")})
    got = merge(
        gave(
            register=Company(name="Acme Ltd", founded=1999),
            filings=Filed(founded=1998),
            press={"name": "ACME", "founded": 2001, "ceo": "x"},
        )
    )
    assert got.value == Company(name="Acme Ltd", founded=1998)
    assert got.conflicts == (
        Conflict(
            field="name",
            taken=Said(branch="register", value="Acme Ltd"),
            others=(Said(branch="press", value="ACME"),),
        ),
        Conflict(
            field="founded",
            taken=Said(branch="filings", value=1998),
            others=(Said(branch="register", value=1999),),
        ),
    )
    assert Aggregated[Company].model_validate_json(got.model_dump_json()) == got


def test_a_branch_that_says_nothing_is_passed_over() -> None:
    merge = Merge(SOURCES, Company)
    got = merge({**failed("register"), **gave(filings=Filed(), press={"name": "Acme"})})
    assert got.value == Company(name="Acme")
    assert got.conflicts == ()
    assert [m.name for m in got.missing] == ["register"]
    assert got.contributed == ("filings", "press")
    silent, zero = Company(name="Acme"), {"founded": 0}
    taken = merge(gave(register=silent, filings=zero, press={"founded": 1999}))
    assert taken.value.founded == 0


def test_sequences_are_united_in_order_each_item_once() -> None:
    merge = Merge(
        SOURCES, Company, united=["aliases"], precedence={"aliases": ("press", "register")}
    )
    said = {"name": "A", "aliases": ["x", "y"]}, {"aliases": ["z"]}, {"aliases": ["y", "w", "y"]}
    got = merge(gave(**dict(zip(SOURCES, said, strict=True))))
    assert got.value.aliases == ("y", "w", "x")
    assert got.conflicts == ()


def test_results_that_do_not_make_up_the_record_fail_and_say_where() -> None:
    merge = Merge(SOURCES, Company, united=["aliases"])
    with pytest.raises(AggregateFailed, match="do not make up a Company: name: Field required"):
        merge(gave(press={"founded": 1999}))
    with pytest.raises(AggregateFailed, match="founded: Input should be a valid integer"):
        merge(gave(press={"name": "A", "founded": "long ago"}))
    with pytest.raises(AggregateFailed, match="'press': TypeError: a result is a record or a map"):
        merge(gave(press="Acme"))
    with pytest.raises(AggregateFailed, match="'aliases' of branch 'press' is no sequence"):
        merge(gave(press={"name": "A", "aliases": "x"}))


# ---- rank and weigh ------------------------------------------------------------------------


class Item(Record):
    size: float


def test_a_ranking_is_stable_and_equals_share_a_place() -> None:
    results = gave(a=Item(size=2), b=Item(size=3), c=Item(size=2), d=Item(size=1))
    high = Rank[Item]("abcd", score=lambda i: i.size)(results).value
    low = Rank[Item]("abcd", score=lambda i: i.size, lowest_first=True)(results).value
    assert [(p.place, p.branch) for p in high.places] == [(1, "b"), (2, "a"), (2, "c"), (4, "d")]
    assert [(p.place, p.branch) for p in low.places] == [(1, "d"), (2, "a"), (2, "c"), (4, "b")]
    assert high.places[0].value == Item(size=3)


def test_what_has_no_score_has_no_place() -> None:
    results = {**gave(a=Item(size=math.nan), b=Item(size=1), c=Item(size=-1)), **failed("d")}

    def score(item: Item) -> float | None:
        return None if item.size < 0 else item.size

    got = Rank("abcd", score=score)(results)
    assert [p.branch for p in got.value.places] == ["b"]
    assert got.value.unscored == ("a", "c")
    assert [m.name for m in got.missing] == ["d"]


def test_a_mean_is_weighed_over_what_is_there_and_says_how_much_that_is() -> None:
    weigh = Weigh[Item]("abc", {"c": 5, "b": 1, "a": 2}, number=lambda i: i.size)
    got = weigh({**gave(a=Item(size=4), b=Item(size=1)), **failed("c")}).value
    assert (got.mean, got.present) == (3.0, 0.375)
    assert [(p.branch, p.number) for p in got.parts] == [("a", 4.0), ("b", 1.0)]
    assert [p.share for p in got.parts] == pytest.approx([2 / 3, 1 / 3])


def test_too_little_weight_makes_no_mean() -> None:
    for share, mean in ((0.2, 4.0), (0.25, 4.0), (0.26, None)):
        weigh = Weigh[Item]("ab", {"a": 1, "b": 3}, number=lambda i: i.size, at_least=share)
        got = weigh({**gave(a=Item(size=4)), **failed("b")}).value
        assert (got.mean, got.present) == (mean, 0.25)
    nothing = Weigh[Item]("a", {"a": 1}, number=lambda i: i.size)({}).value
    assert (nothing.mean, nothing.present, nothing.parts) == (None, 0.0, ())


def test_amounts_are_weighed_as_numbers() -> None:
    weigh = Weigh[Decimal]("ab", {"a": 1, "b": 1}, number=lambda x: float(x))
    assert weigh(gave(a=Decimal("1.5"), b=Decimal(2))).value.mean == 1.75


NUMBERS = st.dictionaries(st.sampled_from("abcde"), st.none() | st.integers(-100, 100), min_size=1)


@property_test
@given(NUMBERS, st.lists(st.integers(1, 9), min_size=5, max_size=5))
def test_a_mean_agrees_with_exact_fractions(
    numbers: dict[str, int | None], weights: list[int]
) -> None:
    weight = dict(zip("abcde", weights, strict=True))
    weigh = Weigh[int | None]("abcde", weight, number=lambda x: x)
    got = weigh(gave(**numbers)).value
    present = {n: x for n, x in numbers.items() if x is not None}
    total = sum(weight[n] for n in present)
    assert got.present == pytest.approx(total / sum(weights))
    if not present:
        assert got.mean is None
        return
    exact = Fraction(sum(weight[n] * x for n, x in present.items()), total)
    assert got.mean == pytest.approx(float(exact))
    assert math.fsum(p.share for p in got.parts) == pytest.approx(1)


# ---- misuse --------------------------------------------------------------------------------


def choose(said: Any) -> Any:
    return said


MISUSES: dict[str, tuple[Callable[[], object], str]] = {
    "no branches": (lambda: asked(""), "vote of no branches; name at least one"),
    "branch twice": (lambda: asked("aba"), "branches named twice: a; rename one"),
    "quorum out of reach": (lambda: asked("ab", quorum=3), "quorum=3 of 2 voters; use 1 to 2"),
    "no quorum": (lambda: asked("ab", quorum=0), "quorum=0 of 2 voters"),
    "bar out of reach": (lambda: asked("ab", needed=3), "needed=3 of 2 voters; use 1 to 2"),
    "bar out of reach of voters, not branches": (
        lambda: asked("abc", needed=2, samples={"a": "x", "b": "x", "c": "x"}),
        "needed=2 of 1 voters",
    ),
    "no bar": (lambda: asked("ab", needed=0), "needed=0 of 2 voters"),
    "one choice": (
        lambda: Vote("ab", choices=("a",), choice=choose),
        "name at least two choices, each once",
    ),
    "choice twice": (lambda: Vote("ab", choices="aab", choice=choose), "each once"),
    "samples of nobody": (
        lambda: asked("ab", samples={"z": "x"}),
        "samples names z, which is no branch of it; its branches are a, b",
    ),
    "voter and branch": (
        lambda: asked("abc", samples={"a": "b", "b": "x"}),
        "b is a branch and another's voter; rename one",
    ),
    "a result never declared": (
        lambda: asked("ab")(gave(a=Word.YES, z=Word.YES)),
        "the result names z, which is no branch of it",
    ),
    "merge of nothing": (lambda: Merge((), Company), "merge of no branches"),
    "precedence of no field": (
        lambda: Merge(SOURCES, Company, precedence={"age": SOURCES}),
        "Company has no field age; it has name, founded, aliases, status",
    ),
    "united no field": (lambda: Merge(SOURCES, Company, united=["ages"]), "has no field ages"),
    "precedence of a stranger": (
        lambda: Merge(SOURCES, Company, precedence={"name": ("gossip",)}),
        "precedence of 'name' names gossip, which is no branch of it",
    ),
    "precedence of nobody": (
        lambda: Merge(SOURCES, Company, precedence={"name": ()}),
        "precedence of 'name' of no branches",
    ),
    "rank of nothing": (lambda: Rank((), score=choose), "ranking of no branches"),
    "weight of a stranger": (
        lambda: Weigh("ab", {"a": 1, "b": 1, "z": 1}, number=choose),
        "weights names z, which is no branch of it",
    ),
    "no weight": (lambda: Weigh("ab", {"a": 1}, number=choose), "no weight for b; give each one"),
    "weight of zero": (
        lambda: Weigh("ab", {"a": 1, "b": 0}, number=choose),
        "the weight of b must be above 0",
    ),
    "weight not a number": (
        lambda: Weigh("a", {"a": math.nan}, number=choose),
        "the weight of a must be above 0",
    ),
    "share of weight": (
        lambda: Weigh("a", {"a": 1}, number=choose, at_least=2),
        "at_least is a share from 0 to 1",
    ),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_fails_when_built_and_names_the_mend(name: str) -> None:
    build, message = MISUSES[name]
    with pytest.raises(Misuse, match=message):
        build()


def test_a_function_that_raises_fails_the_aggregation_and_names_the_branch() -> None:
    """An error that is not ours would leave the workflow stuck."""
    with pytest.raises(AggregateFailed, match="'b': ValueError: 'perhaps' is none of the choices"):
        asked("ab")(gave(a=Word.YES, b="perhaps"))
    with pytest.raises(AggregateFailed, match="ranking cannot use the result of branch 'a': Attr"):
        Rank[Any]("a", score=lambda item: float(item.length))(gave(a=Item(size=1)))
    with pytest.raises(AggregateFailed, match=r"weighted mean cannot use .* 'a': TypeError"):
        Weigh[Any]("a", {"a": 1}, number=lambda item: item)(gave(a="much"))
