"""The walk up from the subject: who is asked and handed over, what is found, what stays open."""

from typing import Any

import pytest

from tests.rules.dd_records import NOW, company, example, head
from workflows.data.case_file import CaseFile, Party
from workflows.data.findings import CheckOutcome, CheckResult, FindingCode
from workflows.data.registers import (
    Holder,
    Holding,
    Interest,
    InterestKind,
    OwnersAnswer,
    ParentsAnswer,
)
from workflows.data.sources import Identifier, LeiEntry, SourceState
from workflows.rules.dd.ownership import ownership
from workflows.rules.dd.ownership_form import COMPARED, SHOWN
from workflows.rules.dd.ownership_walk import COMPANIES, LEI, LEVELS, REGISTER, Walk
from workflows.rules.dd.parties import owned_by

FOUND, NONE, DOWN = SourceState.FOUND, SourceState.NONE, SourceState.UNAVAILABLE
Answers = dict[str, OwnersAnswer | ParentsAnswer]


def owners(*holdings: Holding, state: SourceState = FOUND, **more: Any) -> OwnersAnswer:
    return OwnersAnswer(**head("UK register", state), holdings=holdings, **more)


def parents(state: SourceState = FOUND, **more: Any) -> ParentsAnswer:
    return ParentsAnswer(**head("GLEIF, parents", state), **more)


def by(name: str, low: float = 75, high: float = 100, number: str = "", **more: Any) -> Holding:
    """Give a holding of shares and votes: of a company if it has a number, else of a person."""
    numbers = (Identifier(scheme=REGISTER, value=number),) if number else ()
    kind = "company" if number else "person"
    kinds = (InterestKind.SHARES, InterestKind.VOTES)
    fields = {k: v for k, v in more.items() if k != "ceased"}
    return Holding(
        holder=Holder(kind=kind, name=name, country="GB", identifiers=numbers, birth="1970-05"),
        interests=tuple(Interest(kind=k, min_pct=low, max_pct=high, **fields) for k in kinds),
        ceased=more.get("ceased"),
    )


def entry(lei: str, name: str = "Parent", country: str = "DE", number: str = "") -> LeiEntry:
    return LeiEntry(
        lei=lei, name=name, status="ACTIVE", registration="ISSUED", country=country,
        registered_as=number,
    )  # fmt: skip


def walked(case: CaseFile, answers: Answers) -> tuple[CheckResult, list[Party], Walk]:
    """Ask on until nothing is left to ask; who is not in `answers` is not known to any source."""
    walk, found = Walk(case), []
    while asked := walk.questions():
        for question in asked:
            is_register = question.identifier.scheme == REGISTER
            nothing = owners(state=NONE) if is_register else parents(NONE)
            answer = answers.get(question.identifier.value, nothing)
            for key, party in walk.take(question, answer):
                walk.ids[key] = party.party_id
                found.append(party)
    return ownership(walk), found, walk


def codes(result: CheckResult) -> set[FindingCode]:
    return {f.code for f in result.findings}


UNILEVER, ITS_LEI = "00041424", "549300MKFYEKVRWML317"


def test_a_listed_company_exempt_by_the_register_is_conclusive() -> None:
    answers: Answers = {
        UNILEVER: owners(exempt=True),
        ITS_LEI: parents(direct_exception="NO_KNOWN_PERSON", ultimate_exception="NO_KNOWN_PERSON"),
    }
    result, found, _ = walked(example(), answers)
    assert (result.outcome, result.gaps, found) == (CheckOutcome.CLEAR, (), [])
    assert result.confidence >= 0.9
    assert len(result.evidence) == 2


def test_a_listed_company_that_reports_to_its_regulator_is_conclusive_and_else_a_gap() -> None:
    walk = Walk(example("snowflake"))
    assert walk.questions() == []
    assert ownership(walk).outcome is CheckOutcome.INCONCLUSIVE
    walk = Walk(example("snowflake"))
    walk.listed(company())
    assert ownership(walk).outcome is CheckOutcome.CLEAR
    walk = Walk(example("snowflake"))
    walk.listed(company(status="deregistered"))
    assert ownership(walk).outcome is CheckOutcome.INCONCLUSIVE
    walk = Walk(example("snowflake"))
    walk.listed(company(DOWN))
    assert ownership(walk).outcome is CheckOutcome.UNAVAILABLE


def test_the_walk_goes_up_level_by_level_and_hands_over_whoever_appears() -> None:
    answers: Answers = {
        UNILEVER: owners(by("Holding Ltd", number="00000001"), by("Gone", ceased="2020-01-01")),
        ITS_LEI: parents(NONE),
        "00000001": owners(by("Mrs Ann Example"), by("Lord Bo Specimen", 25, 25)),
    }
    result, found, walk = walked(example(), answers)
    assert [(p.party_id, p.kind, p.name, p.birth) for p in found] == [
        ("owner-1", "Company", "Holding Ltd", ""),
        ("owner-2", "Person", "Ann Example", "1970-05"),
        ("owner-3", "Person", "Bo Specimen", "1970-05"),
    ]
    assert result.outcome is CheckOutcome.CLEAR
    # 75 % of 75 % at least; Bo has 25 % of what Holding has
    assert walk.owned_by(frozenset({"owner-2"})) == (56.25, 100)
    assert walk.owned_by(frozenset({"owner-2", "owner-3"})) == (75, 100)
    assert "Mrs Ann Example: shares 56.25-100 %, votes 56.25-100 %, owner" in (
        result.evidence[-1].excerpt
    )


def test_a_parent_known_by_both_registers_is_asked_about_at_both() -> None:
    answers: Answers = {
        UNILEVER: owners(by("Holding Ltd", number="00000001")),
        ITS_LEI: parents(direct=entry("L" * 20, "Holding Ltd", "GB", "00000001")),
        "00000001": owners(by("Ann Example")),
        "L" * 20: parents(ultimate_exception="NATURAL_PERSONS"),
    }
    result, found, _ = walked(example(), answers)
    assert [p.name for p in found] == ["Holding Ltd", "Ann Example"]
    assert result.outcome is CheckOutcome.CLEAR
    assert len(result.evidence) == 5


def test_control_without_a_share_is_a_finding_that_cites_who_said_so() -> None:
    case = example("rosneft_deutschland")
    lei = case.subject.number(LEI) or ""
    same = entry("R" * 20, "Rosneft", "RU")
    result, found, _ = walked(case, {lei: parents(direct=same, ultimate=same)})
    assert codes(result) == {FindingCode.UNRESOLVED_CONTROL}
    assert result.findings[0].evidence == ("ownership-e1",)
    assert [(p.party_id, p.country) for p in found] == [("parent-1", "RU")]


def test_five_who_hold_one_block_of_votes_with_a_trust_are_a_complex_structure() -> None:
    case = example("dmgt")
    number = case.subject.number(REGISTER) or ""
    votes = [
        by(f"Holder {n}", trust=n == 0).model_copy(
            update={
                "interests": (
                    Interest(kind=InterestKind.VOTES, min_pct=75, max_pct=100, trust=n == 0),
                )
            }
        )
        for n in range(5)
    ]
    result, found, _ = walked(case, {number: owners(*votes)})
    assert codes(result) == {FindingCode.COMPLEX_STRUCTURE, FindingCode.TRUST_IN_CHAIN}
    assert len(found) == 5


def test_a_silent_register_is_a_gap_with_what_is_unresolved_and_not_a_finding() -> None:
    answers: Answers = {
        UNILEVER: owners(state=DOWN),
        ITS_LEI: parents(direct=entry("L" * 20, "Parent")),
    }
    result, _, _ = walked(example(), answers)
    assert (result.outcome, result.fallback) == (CheckOutcome.INCONCLUSIVE, "lei_parents")
    assert "UNILEVER PLC (unresolved 100 %): UK register unavailable" in result.gaps[0].reason
    answers = {
        UNILEVER: owners(by("Holding Ltd", number="00000001")),
        "00000001": owners(state=DOWN),
    }
    result, _, _ = walked(example(), answers)
    assert (result.outcome, result.fallback) == (CheckOutcome.INCONCLUSIVE, "")
    assert "Holding Ltd (unresolved 75-100 %)" in result.gaps[0].reason
    answers = {UNILEVER: owners(state=DOWN), ITS_LEI: parents(DOWN)}
    assert walked(example(), answers)[0].outcome is CheckOutcome.UNAVAILABLE


def test_a_chain_that_ends_at_a_company_nobody_stands_behind_is_unresolved() -> None:
    answers: Answers = {UNILEVER: owners(by("Holding Ltd", number="00000001"))}
    result, _, _ = walked(example(), answers)
    assert codes(result) == {FindingCode.UNRESOLVED_CONTROL}
    assert "unresolved 75-100 %" in result.findings[0].summary


@pytest.mark.parametrize(
    ("statement", "outcome"),
    [
        ("no-individual-or-entity-with-signficant-control", CheckOutcome.CLEAR),
        ("psc-exists-but-not-identified", CheckOutcome.FINDING),
    ],
)
def test_what_the_register_says_where_nobody_is_named(
    statement: str, outcome: CheckOutcome
) -> None:
    answers: Answers = {UNILEVER: owners(statements=(statement,))}
    assert walked(example(), answers)[0].outcome is outcome


@pytest.mark.parametrize(
    "statement",
    [
        "psc-exists-but-not-identified",
        "psc-details-not-confirmed",
        "steps-to-find-psc-not-yet-completed",
        "psc-contacted-but-no-response",
        "restrictions-notice-issued-to-psc",
        "a-statement-nobody-thought-of",
    ],
)
def test_a_statement_that_somebody_is_not_named_is_unresolved_also_beside_others(
    statement: str,
) -> None:
    for answer in (
        owners(by("Ann Example"), statements=(statement,)),
        owners(exempt=True, statements=(statement, "no-individual-or-entity-with-sign")),
    ):
        result, found, _ = walked(example(), {UNILEVER: answer})
        assert codes(result) == {FindingCode.UNRESOLVED_CONTROL}
        assert statement.replace("-", " ") in result.findings[0].summary
        assert result.findings[0].evidence == ("ownership-e1",)
        assert len(found) == len(answer.holdings)
    named = owners(by("Ann Example"), statements=("all-beneficial-owners-identified",))
    assert walked(example(), {UNILEVER: named})[0].outcome is CheckOutcome.CLEAR


def test_what_a_register_leaves_open_is_a_gap_beside_what_it_says() -> None:
    nobody = "no-individual-or-entity-with-signficant-control"
    long = owners(by("Ann Example"), unread=9_500, statements=(nobody,))
    result, _, _ = walked(example(), {UNILEVER: long})
    assert [g.reason for g in result.gaps] == [
        "owners of UNILEVER PLC: the register names some, and says there are none",
        "owners of UNILEVER PLC: 9500 controllers were not read, too many",
    ]


@pytest.mark.parametrize(
    ("named", "gaps"),
    [
        ([("Person", "Anne Exampel", "1970-05"), ("Company", "Holding Limited", "")], []),
        ([("Company", "HOLDING L T D", "")], []),
        ([("Person", "Ann Example", "1951")], ["the form names", "the register names"]),
        ([("Company", "Others GmbH", "")], ["the form names"]),
    ],
)
def test_owners_of_the_form_are_compared_with_those_of_the_register(
    named: list[tuple[str, str, str]], gaps: list[str]
) -> None:
    parties = [
        Party.model_validate(
            {"party_id": f"o{n}", "kind": kind, "name": name, "role": "owner", "birth": birth}
        )
        for n, (kind, name, birth) in enumerate(named)
    ]
    case = example().model_copy(update={"parties": tuple(parties)})
    answers: Answers = {
        UNILEVER: owners(by("Holding Ltd", number="00000001")),
        "00000001": owners(by("Mrs Ann Example")),
    }
    result, _, _ = walked(case, answers)
    assert [" ".join(g.reason.split()[1:4]) for g in result.gaps] == gaps
    assert walked(case, {UNILEVER: owners(exempt=True)})[0].gaps == ()


def test_of_thousands_of_owners_the_first_are_compared_and_the_others_counted() -> None:
    case = example().model_copy(
        update={
            "parties": tuple(
                Party(party_id=f"o{n}", kind="Person", name=f"Nobody {'x' * n}", role="owner")
                for n in range(1, COMPARED + 8)
            )
        }
    )
    told = "; ".join(g.reason for g in walked(case, {UNILEVER: owners(by("Ann Example"))})[0].gaps)
    assert f"and {COMPARED - SHOWN} more, whom the register does not name" in told
    assert "the register names" not in told
    assert "7 more of the form were not compared, too many" in told


def test_a_parent_kept_secret_is_unresolved_and_no_party() -> None:
    answers: Answers = {
        UNILEVER: owners(by("Ann Example")),
        ITS_LEI: parents(direct_exception="NON_PUBLIC"),
    }
    result, found, _ = walked(example(), answers)
    assert codes(result) == {FindingCode.UNRESOLVED_CONTROL}
    assert len(found) == 1


def test_loops_deep_and_wide_structures_end_at_the_bounds_which_are_named() -> None:
    loop: Answers = {
        UNILEVER: owners(by("A", 60, 60, "00000001"), by("Ann Example", 40, 40)),
        "00000001": owners(by("Unilever", 10, 10, UNILEVER), by("Bo Specimen", 90, 90)),
    }
    result, found, walk = walked(example(), loop)
    assert codes(result) == {FindingCode.CIRCULAR_OWNERSHIP}
    assert len(found) == 3
    # Bo has 0.6 x 0.9 of each share's income, of which 6 % comes round again: 54 / 0.94
    bo = next(p.party_id for p in found if p.name == "Bo Specimen")
    assert walk.owned_by(frozenset({bo}))[0] == pytest.approx(100 * 0.54 / 0.94)
    number = [UNILEVER, *(f"{n:08}" for n in range(1, 200))]
    deep: Answers = {
        number[n]: owners(by(f"C{n}", 100, 100, number[n + 1])) for n in range(len(number) - 1)
    }
    result, found, _ = walked(example(), deep)
    assert len(found) == LEVELS
    assert [g.reason for g in result.gaps] == [
        f"owners of C{LEVELS - 1} (unresolved 100 %): beyond the bounds of the walk"
        f" ({LEVELS} levels, {COMPANIES} companies)"
    ]
    wide: Answers = {UNILEVER: owners(*(by(f"C{n}", 0, 1, number[n]) for n in range(1, 150)))}
    result, found, _ = walked(example(), wide)
    assert len(found) == 149
    assert f"and {150 - COMPANIES - SHOWN} more" in result.gaps[0].reason


def test_the_time_of_the_evidence_is_that_of_its_source() -> None:
    result, _, _ = walked(example(), {UNILEVER: owners(exempt=True)})
    assert {e.retrieved_at for e in result.evidence} == {NOW}


@pytest.mark.parametrize(
    ("low", "high", "found", "open_"), [(50, 75, True, 0), (25, 50, False, 1), (25, 49, False, 0)]
)
def test_from_half_on_sanctioned_owners_reach_the_company(
    low: float, high: float, found: bool, open_: int
) -> None:
    answers: Answers = {UNILEVER: owners(by("Ann Example", low, high), by("Bo", 25, 25))}
    result, _, walk = walked(example(), answers)
    ids = frozenset({"owner-1"})
    weighed = owned_by(result, {"owner-1": ("sanctions.owner-1-f1",)}, *walk.owned_by(ids))
    assert (FindingCode.OWNED_BY_SANCTIONED in codes(weighed)) is found
    assert len(weighed.gaps) == open_
    assert weighed.structure == result.structure is not None
