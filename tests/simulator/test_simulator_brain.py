"""The rules simulated models answer by, their mistakes, and smallest answers: all pure."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from simulator.brain.documents import (
    CreditDocuments,
    HitDocuments,
    IdentityDocuments,
    ReferenceDocuments,
    SynthesisDocuments,
)
from simulator.brain.mind import RULES, Question, answer, tokens
from simulator.brain.minimal import minimal
from simulator.brain.names import fold, holds, number, similarity
from simulator.brain.rules import credit, hit, identity, reference
from simulator.brain.slips import SLIPS
from simulator.brain.synthesis import synthesis
from simulator.chance import log_normal, unit
from simulator.config import SimulatorConfig
from simulator.latency import RANGES, seconds
from tests.simulator.world import prompt
from workflows.data.content_generation import ConsistencyEdit, PieceDraft
from workflows.data.content_production import ContentDraft
from workflows.data.document_analysis import (
    DocumentReading,
    DocumentsSummary,
    Kind,
    Passage,
    Risk,
    Sentiment,
)
from workflows.data.due_diligence import CaseOutcome, Synthesis, Tier
from workflows.data.email_triage import DraftedAnswer
from workflows.data.findings import FindingCode
from workflows.data.media import Offence, PressRole, Stage
from workflows.data.readings import (
    CreditReading,
    Discrepancy,
    HitReading,
    IdentityReading,
    MediaReading,
    ReferenceReading,
)
from workflows.data.sentiment import Tones
from workflows.data.support import RequestReading, RequestType, SupportAnswer

FORM: dict[str, object] = {
    "name": "Bank Saderat PLC",
    "country": "GB",
    "incorporated": "1973-08-03",
    "postcode": "EC2R 7HD",
    "identifiers": [
        {"scheme": "GB-COH", "value": "01126618"},
        {"scheme": "LEI", "value": "2138008KTNTDICZU8L25"},
    ],
}
REGISTER: dict[str, object] = {
    "name": "BANK SADERAT PLC",
    "number": "01126618",
    "status": "active",
    "incorporated": "1973-08-03",
    "postcode": "EC2R 7HD",
}
LEI: dict[str, object] = {
    "lei": "2138008KTNTDICZU8L25",
    "name": "BANK SADERAT PLC",
    "status": "ACTIVE",
    "registration": "ISSUED",
    "registered_as": "01126618",
    "country": "GB",
    "postcode": "EC2R7HD",
}

# ---- identity ------------------------------------------------------------------------------


def test_agreeing_documents_are_the_same_entity() -> None:
    documents = {"form": FORM, "register": REGISTER, "lei": LEI}
    reading = identity(IdentityDocuments.model_validate(documents))
    assert reading == IdentityReading(same_entity="yes", discrepancies=(), confidence=0.97)


def test_one_document_is_enough_but_less_sure() -> None:
    reading = identity(IdentityDocuments.model_validate({"form": FORM, "register": REGISTER}))
    assert (reading.same_entity, reading.confidence) == ("yes", 0.92)


def test_no_document_is_unclear() -> None:
    reading = identity(IdentityDocuments.model_validate({"form": FORM, "register": None}))
    assert (reading.same_entity, reading.discrepancies) == ("unclear", ())


@pytest.mark.parametrize(
    ("document", "change", "field", "same"),
    [
        ("register", {"name": "Carbo Ceramics Inc"}, "name", "no"),
        ("register", {"name": "Bank Saderat Iran"}, "name", "unclear"),
        ("register", {"incorporated": "1999-01-01"}, "incorporated", "yes"),
        ("register", {"postcode": "CH62 4ZD"}, "postcode", "yes"),
        ("register", {"number": "00041424"}, "number", "no"),
        ("lei", {"registered_as": "00041424"}, "number", "no"),
        ("lei", {"lei": "549300MKFYEKVRWML317"}, "number", "no"),
        ("lei", {"country": "IR"}, "country", "yes"),
        ("lei", {"postcode": "CH62 4ZD"}, "postcode", "yes"),
    ],
)
def test_each_disagreement_is_named(
    document: str, change: dict[str, str], field: str, same: str
) -> None:
    parts = {"register": REGISTER, "lei": LEI}
    documents = {"form": FORM, **parts, document: {**parts[document], **change}}
    reading = identity(IdentityDocuments.model_validate(documents))
    assert [d.field for d in reading.discrepancies] == [field]
    assert reading.same_entity == same
    assert reading.confidence < 0.97


# ---- credit --------------------------------------------------------------------------------


def filing(form: str, *items: str) -> dict[str, object]:
    return {"form": form, "filed": "2020-03-30", "accession": "a", "items": items}


@pytest.mark.parametrize(
    ("documents", "level", "word"),
    [
        ({"filings": [filing("8-K", "1.01", "1.03")]}, "distress", "1.03"),
        ({"filings": [filing("8-K/A", "2.04")]}, "distress", "2.04"),
        ({"filings": [filing("8-K", "3.01")]}, "watch", "delisting"),
        ({"filings": [filing("8-K", "4.02")]}, "watch", "relied"),
        ({"filings": [filing("15-12B")]}, "watch", "registration ended"),
        ({"filings": [filing("NT 10-K")]}, "watch", "late"),
        ({"filings": [filing("10-Q", "1.03")]}, "none", "nothing"),
        ({"filings": [filing("10-K"), filing("8-K", "1.01")]}, "none", "nothing"),
        ({"register": {**REGISTER, "accounts_overdue": True}}, "watch", "overdue"),
        ({"register": {**REGISTER, "accounts_overdue": False}}, "none", "nothing"),
        ({"register": {**REGISTER, "insolvency_history": True}}, "distress", "insolvency"),
        ({"register": REGISTER}, "unknown", "little"),
        ({}, "unknown", "little"),
    ],
)
def test_credit_signs_set_the_level(documents: object, level: str, word: str) -> None:
    reading = credit(CreditDocuments.model_validate(documents))
    assert reading.level == level
    assert word in " ".join(reading.reasons)


@pytest.mark.parametrize(("liabilities", "level"), [(5.0, "none"), (15.0, "watch")])
def test_the_latest_balance_sheet_counts(liabilities: float, level: str) -> None:
    old = {"unit": "USD", "filed": "2024-01-01", "end": "2023-12-31"}
    new = {**old, "end": "2024-12-31"}
    facts = [
        {**old, "concept": "Assets", "value": 1.0},
        {**old, "concept": "Liabilities", "value": 9.0},
        {**new, "concept": "us-gaap:Assets", "value": 10.0},
        {**new, "concept": "us-gaap:Liabilities", "value": liabilities},
    ]
    assert credit(CreditDocuments.model_validate({"facts": facts})).level == level


# ---- hits ----------------------------------------------------------------------------------

ROW = {
    "entry_id": "4642",
    "caption": "BANK SADERAT PLC",
    "score": 1.0,
    "dataset": "us_ofac_sdn",
    "remarks": "UK Company Number 01126618 (United Kingdom); all offices worldwide.",
}
PARTY = {
    "party_id": "subject",
    "kind": "Company",
    "name": "Bank Saderat plc",
    "country": "GB",
    "identifiers": [{"scheme": "GB-COH", "value": "01126618"}],
}
LISTED = {"remarks": "", "identifiers": [{"scheme": "GB-COH", "value": "1126618"}]}


@pytest.mark.parametrize(
    ("party", "row", "expected"),
    [
        ({}, {}, ("agree", "agree", "agree")),
        ({}, LISTED, ("agree", "agree", "unknown")),
        ({"country": "IR"}, {}, ("agree", "agree", "conflict")),
        ({"country": None}, {}, ("agree", "agree", "unknown")),
        ({"identifiers": []}, {}, ("agree", "unknown", "agree")),
        ({"name": "Unilever PLC"}, {}, ("conflict", "agree", "agree")),
        ({"name": "Bank Saderat Iran"}, {}, ("unknown", "agree", "agree")),
        (
            {"identifiers": [{"scheme": "GB-COH", "value": "00041424"}]},
            LISTED,
            ("agree", "conflict", "unknown"),
        ),
    ],
)
def test_a_hit_is_compared_attribute_by_attribute(
    party: dict[str, object], row: dict[str, object], expected: tuple[str, str, str]
) -> None:
    documents = {"party": {**PARTY, **party}, "hit": {**ROW, **row}}
    reading = hit(HitDocuments.model_validate(documents))
    assert (reading.name, reading.identifier, reading.country) == expected


# ---- references ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "conclusive", "favourable", "days"),
    [
        ("They pay within terms.", True, True, 0),
        ("Payments arrive 12 days beyond terms.", True, True, 12),
        ("Invoices are 75 days late.", True, False, 75),
        ("There is a dispute over two invoices.", True, False, None),
        ("We would not recommend them.", True, False, None),
        ("I am not sure, but they pay on time I think.", False, False, None),
        ("We met once at a fair.", False, False, None),
        ("", False, False, None),
    ],
)
def test_references_are_read(
    reply: str, conclusive: bool, favourable: bool, days: int | None
) -> None:
    reading = reference(ReferenceDocuments(reply=reply))
    got = (reading.conclusive, reading.favourable, reading.days_beyond_terms)
    assert got == (conclusive, favourable, days)


# ---- synthesis -----------------------------------------------------------------------------


def case(
    tier: str = "low", codes: tuple[str, ...] = (), gaps: int = 0, outcome: str = "clear"
) -> SynthesisDocuments:
    return SynthesisDocuments.model_validate(
        {
            "product": {"kind": "trade_credit", "monthly": "50000", "currency": "EUR"},
            "tier": tier,
            "checks": [{"check": "credit", "outcome": outcome, "confidence": 0.94}],
            "findings": [
                {"id": f"f{n}", "code": code, "check": "credit", "summary": f"About {code}."}
                for n, code in enumerate(codes, 1)
            ],
            "gaps": [
                {"id": f"g{n}", "check": "references", "reason": "deadline"}
                for n in range(1, gaps + 1)
            ],
            "evidence": [{"id": "e1", "source": "gleif", "record": "x", "excerpt": ""}],
        }
    )


@pytest.mark.parametrize(
    ("documents", "outcome"),
    [
        (case(), CaseOutcome.APPROVE),
        (case(tier="prohibited"), CaseOutcome.DECLINE),
        (case("prohibited", ("SANCTIONED",), gaps=2), CaseOutcome.DECLINE),
        (case("high", ("INSOLVENCY_FILING", "CREDIT_DISTRESS")), CaseOutcome.DECLINE),
        (case("medium", ("CREDIT_MODEL_ALARM",)), CaseOutcome.APPROVE_WITH_CONDITIONS),
        (case("medium", ("CREDIT_MODEL_ALARM",), gaps=1), CaseOutcome.REFER),
        (case("medium", gaps=1), CaseOutcome.REFER),
        (case("medium", ("POSSIBLE_SANCTIONS_MATCH",)), CaseOutcome.REFER),
        (case("medium", ("NEW_CODE_OF_LATER",)), CaseOutcome.REFER),
        (case(outcome="unavailable"), CaseOutcome.REFER),
        (case(outcome="inconclusive"), CaseOutcome.REFER),
        (case(outcome="not_applicable"), CaseOutcome.APPROVE),
    ],
)
def test_the_proposal_follows_the_rules(
    documents: SynthesisDocuments, outcome: CaseOutcome
) -> None:
    proposal = synthesis(documents)
    assert proposal.outcome is outcome
    assert proposal.tier is documents.tier


@given(
    st.sampled_from(list(Tier)),
    st.lists(st.sampled_from([*FindingCode, "OTHER"]), max_size=4),
    st.integers(0, 3),
)
def test_every_claim_cites_ids_that_exist(tier: Tier, codes: list[str], gaps: int) -> None:
    documents = case(tier, tuple(str(code) for code in codes), gaps)
    known = {f.id for f in documents.findings} | {g.id for g in documents.gaps}
    known |= {e.id for e in documents.evidence}
    claims = synthesis(documents).claims
    assert claims
    assert all(claim.cites and set(claim.cites) <= known for claim in claims)
    cited = {cite for claim in claims for cite in claim.cites}
    assert {f.id for f in documents.findings} | {g.id for g in documents.gaps} <= cited


# ---- mistakes ------------------------------------------------------------------------------

RIGHT: dict[type[BaseModel], Sequence[BaseModel]] = {
    IdentityReading: [
        IdentityReading(same_entity="yes", discrepancies=(), confidence=0.9),
        IdentityReading(
            same_entity="unclear",
            discrepancies=(Discrepancy(field="name", first="a", second="b"),),
            confidence=0.2,
        ),
    ],
    CreditReading: [
        CreditReading(level=level, reasons=(), confidence=0.9)
        for level in ("none", "watch", "distress", "unknown")
    ],
    HitReading: [
        HitReading(name=a, identifier=a, country=a, explanation="", confidence=0.9)
        for a in ("agree", "conflict", "unknown")
    ],
    ReferenceReading: [
        ReferenceReading(conclusive=c, favourable=c, days_beyond_terms=d, confidence=0.9)
        for c, d in ((True, 0), (False, None))
    ],
    MediaReading: [
        MediaReading(
            about_subject="yes",
            role=PressRole.SUSPECT,
            category=Offence.FRAUD,
            stage=stage,
            severity=3,
            date=None,
            quote="they did it",
            confidence=0.9,
        )
        for stage in Stage
    ],
    DocumentReading: [
        DocumentReading(
            kind=Kind.LETTER,
            risk=risk,
            risk_quote="",
            sentiment=sentiment,
            topics=topics,
            parties=(),
            confidence=0.9,
        )
        for risk in Risk
        for sentiment in Sentiment
        for topics in ((), (Passage(topic="payment", quote="you pay now"),))
    ],
    Tones: [Tones(items=({"id": "r1"},))],
    PieceDraft: [PieceDraft(parts=("one",))],
    ConsistencyEdit: [ConsistencyEdit(objections=())],
    DocumentsSummary: [DocumentsSummary(headline="one")],
    Synthesis: [
        Synthesis(outcome=outcome, tier=Tier.LOW, claims=(), confidence=0.9)
        for outcome in CaseOutcome
    ],
    ContentDraft: [ContentDraft(title="T", sections=())],
    RequestReading: [RequestReading(type=type, confidence=0.9) for type in RequestType],
    SupportAnswer: [SupportAnswer(text="Yes.", cites=("a",), confidence=0.9)],
    DraftedAnswer: [DraftedAnswer(text="It is on its way.")],
}


def test_every_mistake_is_wrong_and_still_fits() -> None:
    assert set(SLIPS) == set(RIGHT) == {type(readings[0]) for readings in RIGHT.values()}
    for kind, readings in RIGHT.items():
        for right in readings:
            for mistake in SLIPS[kind]:
                wrong = mistake(right)
                assert wrong != right, mistake
                kind.model_validate_json(wrong.model_dump_json())


def question(user: str, title: str = "CreditReading", sample: str = "0") -> Question:
    return Question("openai", "m", "", user, {"title": title}, None, sample)


def test_mistakes_depend_on_the_question_alone() -> None:
    config = SimulatorConfig(seed=3, error_rate=0.5)
    users = [prompt({"filings": [filing("8-K", "1.03")], "number": n}) for n in range(40)]
    first = [answer(question(user), config) for user in users]
    assert first == [answer(question(user), config) for user in reversed(users)][::-1]
    assert len(set(first)) > 1
    assert first != [answer(question(user, sample="1"), config) for user in users]
    other = SimulatorConfig(seed=4, error_rate=0.5)
    assert first != [answer(question(user), other) for user in users]


def test_documents_that_do_not_fit_get_the_smallest_answer() -> None:
    schema = CreditReading.model_json_schema()
    for user in ("none", prompt({"filings": "none"}), prompt({}) + prompt({})):
        asked = Question("gemini", "m", "", user, schema, None, "0")
        reading = CreditReading.model_validate_json(answer(asked, SimulatorConfig()))
        assert reading == CreditReading(level="none", reasons=(), confidence=0)


def test_whatever_is_mistaken_has_a_rule() -> None:
    assert {record.__name__ for record in SLIPS} <= set(RULES)


# ---- small parts ---------------------------------------------------------------------------


@given(
    st.recursive(
        st.sampled_from([int, str, bool, float, None]).map(lambda t: t or type(None)),
        lambda inner: st.one_of(
            inner.map(lambda t: list[t]),  # type: ignore[valid-type]
            inner.map(lambda t: tuple[t, ...]),  # type: ignore[valid-type]
            inner.map(lambda t: t | None),
        ),
        max_leaves=4,
    )
)
def test_the_smallest_value_fits_its_schema(kind: type) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(kind)
    adapter.validate_json(json.dumps(minimal(adapter.json_schema())))


def test_the_smallest_value_of_our_records_fits() -> None:
    for record in SLIPS:
        record.model_validate_json(json.dumps(minimal(record.model_json_schema())))


def test_names_and_numbers_are_folded() -> None:
    assert fold("Société Générale, S.A.") == "societe generale sa"
    assert fold("Acme Public Limited Company") == "acme plc"
    assert similarity("PLC Saderat Bank", "Bank Saderat plc") == 1
    assert number("01126618") == "1126618"
    assert holds("UK Company Number 01126618 (United Kingdom)", "1126618")
    assert not holds("Number 011266189", "01126618")
    assert not holds("anything", "")


def test_tokens_are_a_quarter_of_the_characters() -> None:
    assert [tokens(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]


@pytest.mark.parametrize("service", RANGES)
def test_nine_in_ten_latencies_lie_in_the_range(service: str) -> None:
    low, high = RANGES[service]
    draws = [seconds(service, 7, str(n), 1.0, None) for n in range(500)]
    inside = sum(low <= draw <= high for draw in draws)
    print("seed 7,", service, inside, "of 500")
    assert 423 <= inside <= 477, "450 expected, four standard deviations of 6.7"
    assert all(low / 2 <= draw <= high * 2 for draw in draws)
    assert seconds(service, 7, "0", 4.0, None) == draws[0] / 4
    assert seconds(service, 7, "0", 4.0, None, fixed=12.0) == 3.0


def test_chance_is_repeatable() -> None:
    assert unit(7, "a", "b") == unit(7, "a", "b") != unit(7, "ab", "")
    assert 0 <= unit("x") < 1
    assert log_normal(5, 15, "x") == log_normal(5, 15, "x")
