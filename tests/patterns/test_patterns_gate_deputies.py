"""Deputies: they decide in somebody's seat, never beside them, and never the author for others."""

from collections.abc import Iterator
from itertools import combinations, permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.patterns.gating import after, decides, level, opened, spec
from workflows.errors import Misuse
from workflows.patterns.seats import Panel, Seat, fills

TEAM = {"ann": "analyst", "cleo": "compliance", "dan": "senior"}
FOR_CLEO = {"cleo": "dora"}


def test_a_deputy_decides_in_the_principals_seat_and_the_record_says_so() -> None:
    gate = opened(spec("compliance senior", TEAM, deputies=FOR_CLEO))
    assert gate.view().deputies == {"cleo": ("dora",)}
    assert gate.may_decide() == ("cleo", "dan", "dora")
    answer = gate.take(decides("dora"))
    assert (answer.stands_for, answer.still_needed) == ("cleo", ("senior",))
    assert [(d.by, d.stands_for) for d in gate.decisions] == [("dora", "cleo")]
    assert gate.view().deputies == {}
    assert gate.take(decides("dan")).settled


@pytest.mark.parametrize(
    ("needs", "deputies", "excluded", "decided", "by", "stands_for", "why"),
    [
        ("compliance anybody", "cleo:dora", "", "dora", "cleo", None, "dora has decided for cleo"),
        ("compliance anybody", "cleo:dora", "", "cleo", "dora", None, "cleo has decided for cleo"),
        ("compliance senior", "cleo:dan", "", "", "dan", "cleo", "dan is needed in another seat"),
        ("anybody", "cleo:ann", "ann", "", "ann", "cleo", "ann wrote the case"),
        ("anybody", "ann:dora", "ann", "", "dora", None, "dora stands in for ann, who wrote"),
        ("anybody", "ann:dora", "ann", "", "dora", "ann", "dora stands in for ann, who wrote"),
        ("anybody", "cleo:dora", "", "", "dora", "dan", "dora is no deputy of dan"),
        ("anybody", "cleo:dora", "", "", "dan", "cleo", "dan is no deputy of cleo"),
        ("senior", "cleo:dora", "", "", "dora", None, "dora has not the role needed here: senior"),
        ("anybody anybody", "cleo:ann", "", "ann", "ann", "cleo", "ann has decided already"),
        ("anybody anybody", "cleo:dora dan:dora", "", "dora", "dora", "dan", "has decided already"),
    ],
)
def test_a_deputy_who_cannot_count_is_told_why(
    needs: str,
    deputies: str,
    excluded: str,
    decided: str,
    by: str,
    stands_for: str | None,
    why: str,
) -> None:
    named = dict(pair.split(":") for pair in deputies.split())
    gate = after(opened(spec(needs, TEAM, excluded, named)), decided)
    before = gate.view()
    assert why in (gate.refuse(decides(by, stands_for=stands_for)) or "counted")
    assert by not in gate.may_decide() or stands_for
    assert gate.view() == before


def test_only_deputies_whose_word_would_count_are_shown() -> None:
    """Not the author, not whoever is needed elsewhere, nobody once the seat is taken."""
    deputies = {"cleo": "sam dora dan", "dan": "dora"}
    gate = opened(spec("compliance senior", TEAM, "sam", deputies))
    assert gate.view().deputies == {"cleo": ("dan", "dora"), "dan": ("dora",)}
    after(gate, "dan")
    assert gate.view().deputies == {"cleo": ("dora",)}
    after(gate, "cleo")
    assert gate.view().deputies == {}
    assert opened(spec("compliance senior", TEAM, "", {"cleo": "dan"})).view().deputies == {}


def test_who_has_a_seat_of_their_own_decides_there_unless_told_otherwise() -> None:
    """An analyst who is also a deputy fills `compliance` only in the other's seat."""
    deputies = {"cleo": "ann"}
    own = opened(spec("anybody", TEAM, deputies=deputies))
    assert own.take(decides("ann")).stands_for is None
    asked = opened(spec("anybody", TEAM, deputies=deputies))
    assert asked.take(decides("ann", stands_for="cleo")).stands_for == "cleo"
    only = opened(spec("compliance", TEAM, deputies=deputies))
    assert only.take(decides("ann")).stands_for == "cleo"
    oneself = opened(spec("anybody", TEAM, deputies=deputies))
    assert oneself.take(decides("ann", stands_for="ann")).stands_for is None


@pytest.mark.parametrize(
    ("people", "excluded", "deputies"),
    [
        ({"dan": "senior compliance"}, "", {"dan": "dora"}),
        ({"cleo": "compliance", "dan": "senior"}, "cleo", {"cleo": "dora"}),
        ({"cleo": "compliance", "dan": "compliance"}, "", {"cleo": "dora", "dan": "dora"}),
    ],
    ids=["one seat stays one", "nobody for the author", "no other roles"],
)
def test_deputies_do_not_settle_what_their_principals_could_not(
    people: dict[str, str], excluded: str, deputies: dict[str, str]
) -> None:
    with pytest.raises(Misuse, match="can never be settled"):
        spec("senior compliance", people, excluded, deputies)


@pytest.mark.parametrize(
    ("deputies", "why"),
    [
        ({"zoe": "dora"}, "'zoe' has deputies but no seat here"),
        ({"cleo": "cleo"}, "name somebody else as deputy of 'cleo'"),
        ({"cleo": ""}, "name somebody else as deputy of 'cleo'"),
    ],
)
def test_deputies_that_make_no_sense_are_refused_when_built(
    deputies: dict[str, str], why: str
) -> None:
    with pytest.raises(Misuse, match=why):
        spec("anybody", TEAM, deputies=deputies)


def test_people_asked_later_may_have_deputies_too() -> None:
    given = spec("anybody", TEAM, deputies={"mona": "dora"}, escalation=(level(1, mona=""),))
    assert given.panel(0).seats_of("dora") == ()
    assert given.panel(1).seats_of("dora") == (Seat("dora", "mona"),)


# ---- against an oracle ---------------------------------------------------------------------

NAMES = ("a", "b", "c", "d")
ROLES = ("x", "y")
some_roles = st.frozensets(st.sampled_from(ROLES))
panels = st.builds(
    Panel,
    needs=st.lists(st.sampled_from((*ROLES, "anybody")), min_size=1, max_size=3).map(tuple),
    people=st.dictionaries(st.sampled_from(NAMES[:3]), some_roles, min_size=1),
    deputies=st.dictionaries(
        st.sampled_from(NAMES[:3]),
        st.lists(st.sampled_from(NAMES), unique=True, max_size=2).map(tuple),
    ),
    excluded=st.frozensets(st.sampled_from(NAMES), max_size=1),
)


def pairs(panel: Panel) -> list[Seat]:
    """Give every seat anybody may take, by the rules read aloud."""
    return [
        Seat(by, of)
        for by, of in product(NAMES, panel.people)
        if by == of or by in panel.deputies.get(of, ())
        if not {by, of} & panel.excluded
    ]


def full(panel: Panel, taken: tuple[Seat, ...]) -> bool:
    """Say whether these seats and others could fill all needs, by trying everything."""
    free = [s for s in pairs(panel) if all(s.by != t.by and s.of != t.of for t in taken)]
    return any(
        all(fills(panel.people[s.of], need) for s, need in zip(order, panel.needs, strict=True))
        for chosen in combinations((*taken, *free), len(panel.needs))
        if len({s.by for s in chosen}) == len({s.of for s in chosen}) == len(chosen)
        for order in permutations(chosen)
    )


def ways(panel: Panel, taken: tuple[Seat, ...]) -> Iterator[tuple[Seat, ...]]:
    """Give the decisions by which the gate can go, to their ends."""
    if not panel.still_needed(taken):
        yield taken
        return
    seats = [s for s in pairs(panel) if panel.counts(s, taken)]
    assert seats, f"stuck after {taken}"
    for seat in seats:
        yield from ways(panel, (*taken, seat))


@settings(print_blob=True, deadline=None, max_examples=150)
@given(panels)
def test_every_way_leads_to_an_end_and_nobody_and_no_seat_decides_twice(panel: Panel) -> None:
    assert panel.can_settle() is full(panel, ())
    if not panel.can_settle():
        return
    for number, end in enumerate(ways(panel, ())):
        assert len({s.by for s in end}) == len({s.of for s in end}) == len(panel.needs)
        assert not {n for s in end for n in (s.by, s.of)} & panel.excluded
        for size in range(len(end)):
            assert panel.can_settle(end[:size]) is full(panel, end[:size]) is True
        if number == 20:
            break
