"""Who is who among the parties, and what a finding about one means for the customer."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.dd_records import NOW, result
from workflows.data.case_file import Party
from workflows.data.findings import (
    Check,
    CheckOutcome,
    CheckResult,
    Disposition,
    Evidence,
    FindingCode,
)
from workflows.data.ownership import Band, Structure
from workflows.data.sources import Liveness
from workflows.rules.dd import parties as rules
from workflows.rules.dd import routing

F = FindingCode


def party(name: str = "Anna Wren", party_id: str = "p1", **changes: Any) -> Party:
    plain = {"party_id": party_id, "kind": "Person", "name": name, "role": "owner"}
    return Party.model_validate(plain | changes)


def listed(party_id: str, code: F = F.SANCTIONED, **changes: Any) -> CheckResult:
    found = result(Check.SANCTIONS, code)
    (finding,) = found.findings
    about = {"id": f"sanctions.{party_id}-f1", "party_id": party_id} | changes
    update = {"party_id": party_id, "findings": (finding.model_copy(update=about),)}
    return found.model_copy(update=update)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (party("ANNA  WREN"), True),
        (party("Änna Wren"), True),
        (party("Anna Wren", kind="Company"), False),
        (party("Anna Wrenn"), False),
        (party(birth="1966"), False),
        (party(birth_date="1966-09-07"), False),
    ],
)
def test_a_party_is_known_by_kind_name_and_birth(other: Party, same: bool) -> None:
    assert (rules.key_of(other) == rules.key_of(party())) is same


def test_a_whole_birth_date_is_the_month_a_register_tells() -> None:
    whole, month = party(birth_date="1966-09-07"), party(birth="1966-09")
    assert rules.key_of(whole) == rules.key_of(month)


def test_names_of_which_nothing_is_left_by_folding_stay_apart() -> None:
    assert rules.key("Company", "!!") != rules.key("Company", "??")


@given(st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True), min_size=1, max_size=30))
def test_whoever_bears_whatever_id_gets_one_of_their_own(wanted: list[str]) -> None:
    taken: set[str] = set()
    for party_id in (*wanted, *wanted):
        named = rules.named_apart(party(party_id=party_id), taken)
        assert named.party_id not in taken
        assert Party.model_validate(named.model_dump()) == named, "an id that is allowed"
        taken.add(named.party_id)


@pytest.mark.parametrize(
    ("roles", "code"),
    [
        ((), F.SANCTIONED),
        (("owner",), F.SANCTIONED_PARTY),
        (("owner", "director"), F.SANCTIONED),
        (("signatory",), F.SANCTIONED),
    ],
)
def test_a_hit_weighs_by_the_partys_roles(roles: tuple[str, ...], code: F) -> None:
    assert [f.code for f in rules.weighed(listed("p1"), roles).findings] == [code]
    possible = listed("p1", F.POSSIBLE_SANCTIONS_MATCH)
    assert rules.weighed(possible, roles) == possible, "only what is confirmed is weighed"


def test_who_is_sanctioned_is_told_by_party_and_without_false_positives() -> None:
    aside = listed("p3", disposition=Disposition.FALSE_POSITIVE)
    held = (listed("subject"), listed("p1"), listed("p2", F.POSSIBLE_PEP), aside)
    assert rules.sanctioned(held) == {"p1": ("sanctions.p1-f1",)}


NOTHING = Band(low=0, high=0)
STRUCTURE = Structure(
    subject="subject",
    name="X",
    holders=(),
    unknown_shares=NOTHING,
    unknown_votes=NOTHING,
    layers=1,
    parties=1,
)
SHARES = (0.0, 49.99, 50.0, 75.0, 100.0)
HITS = {"p1": ("sanctions.p1-f1",), "p2": ("sanctions.p2-f1",)}


@pytest.mark.parametrize(
    ("low", "high"), [(low, high) for low, high in product(SHARES, SHARES) if low <= high]
)
def test_half_owned_by_the_sanctioned_prohibits_and_perhaps_half_is_a_gap(
    low: float, high: float
) -> None:
    before = result(Check.OWNERSHIP).model_copy(
        update={"structure": STRUCTURE, "fallback": "lei_parents"}
    )
    found = rules.owned_by(before, HITS, low, high)
    codes = [f.code for f in found.findings]
    assert codes == ([F.OWNED_BY_SANCTIONED] if low >= 50 else [])
    assert bool(found.gaps) is (low < 50 <= high)
    assert (found.outcome is CheckOutcome.CLEAR) is (high < 50)
    assert (found.structure, found.fallback) == (before.structure, before.fallback)
    assert found.evidence == before.evidence
    if codes:
        assert found.findings[0].evidence == ("sanctions.p1-f1", "sanctions.p2-f1")
        assert routing.tier_by_rules([found]) == "prohibited"


def test_what_ownership_found_before_is_kept() -> None:
    before = result(Check.OWNERSHIP, F.TRUST_IN_CHAIN, gaps=1)
    found = rules.owned_by(before, HITS, 60, 80)
    assert found.findings[:1] == before.findings
    assert found.gaps == before.gaps
    assert len({f.id for f in found.findings}) == 2


def test_parties_beyond_the_bound_are_counted_and_clear_nobody() -> None:
    seen = Evidence(id="", source="case", record="r", liveness=Liveness.LIVE, retrieved_at=NOW)
    found = rules.unscreened([party(), party(party_id="p2")], 200, seen)
    assert (found.party_id, found.outcome) == (rules.BEYOND, CheckOutcome.INCONCLUSIVE)
    assert "2 parties were not screened" in found.gaps[0].reason
    assert found.evidence[0].id in found.gaps[0].reason
    clear = result(Check.SANCTIONS)
    assert routing.screened([clear])
    assert not routing.screened([clear, found])
