"""Whatever sources and models do not say: no check is clear with a gap, no case is waved through.

Drives the real rules of the checks over states of all their sources.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.dd_records import (
    NOW,
    company,
    example,
    head,
    lei,
    narrative,
    query,
    same,
    screened,
    solvent,
)
from tests.rules.press_records import OPENED, answer, party
from tests.rules.test_rules_identity import MISREAD, zone
from workflows.data.case_file import CaseFile, Party
from workflows.data.due_diligence import Route
from workflows.data.findings import Check, CheckOutcome, CheckResult, Evidence
from workflows.data.identity import IdentityDocument
from workflows.data.news import DomainAnswer
from workflows.data.readings import ReferenceReading
from workflows.data.registers import (
    DebarmentsAnswer,
    InsolvencyAnswer,
    Officer,
    OfficersAnswer,
    OwnersAnswer,
    ParentsAnswer,
)
from workflows.data.sources import Liveness, SourceState
from workflows.rules.dd import routing
from workflows.rules.dd.background import Instead, of_subject
from workflows.rules.dd.contact import contact, domains
from workflows.rules.dd.credit import credit
from workflows.rules.dd.dossier import Filed, dossier
from workflows.rules.dd.existence import existence
from workflows.rules.dd.geography import geography, located
from workflows.rules.dd.hits import open_hits
from workflows.rules.dd.identity import identity
from workflows.rules.dd.media import Reader, media
from workflows.rules.dd.ownership import ownership
from workflows.rules.dd.ownership_walk import REGISTER, Walk
from workflows.rules.dd.pep import pep
from workflows.rules.dd.references import references
from workflows.rules.dd.sanctions import Screened, sanctions
from workflows.rules.dd.sheet import Sheet

S: TypeAlias = SourceState
SILENT = (S.UNAVAILABLE, S.REJECTED)
ASKED: dict[Check, tuple[str, ...]] = {
    Check.EXISTENCE: ("register", "lei"),
    Check.OWNERSHIP: ("owners", "parents"),
    Check.SANCTIONS: ("lists",),
    Check.CREDIT: ("register",),
    Check.BACKGROUND: ("insolvency", "officers", "debarments"),
    Check.MEDIA: ("press",),
    Check.CONTACT: ("domain",),
    Check.PEP: ("exposed",),
    Check.IDENTITY: ("document",),
}
"""Which sources each check asks about a listed British company and one owner of it."""
BEST: dict[str, S] = {
    **dict.fromkeys([s for sources in ASKED.values() for s in sources], S.FOUND),
    **dict.fromkeys(("lists", "insolvency", "debarments", "press", "exposed"), S.NONE),
}
"""What they answer about one with nothing against it."""
CASE = example()
OWNER = Party(
    party_id="p1",
    kind="Person",
    name="Anna Maria Eriksson",
    role="owner",
    birth_date=date(1974, 8, 12),
    country="GB",
)
UNREADABLE = {"document_id": "d1", "kind": "passport", "expires": "2030-01-01"}
SOUND = UNREADABLE | {"mrz": zone(expiry="300101")}
DOCUMENTS: dict[S, tuple[IdentityDocument, ...]] = {
    S.FOUND: (IdentityDocument.model_validate(SOUND),),
    S.NONE: (),
    S.REJECTED: (IdentityDocument.model_validate(UNREADABLE),),
    S.UNAVAILABLE: (IdentityDocument.model_validate(SOUND | {"mrz": MISREAD}),),
}
"""Documents of the owner: a sound one, none, one without a zone, one that was misread."""
OF_THE_PACK = {Check.SANCTIONS, Check.PEP}
"""Checks whose gaps are the last check's too; of a listed company it asks for no owners."""
CAME_TO_NOTHING = (CheckOutcome.INCONCLUSIVE, CheckOutcome.UNAVAILABLE)
DIRECTOR = Officer(name="WREN, Margaret Alice", role="director", birth="1966-09")


def walked(case: CaseFile, said: dict[str, S]) -> CheckResult:
    walk = Walk(case)
    exempt = said["owners"] is S.FOUND
    nobody = "NO_KNOWN_PERSON" if said["parents"] is S.FOUND else ""
    while asked := walk.questions():
        for question in asked:
            if question.identifier.scheme == REGISTER:
                walk.take(question, OwnersAnswer(**head("owners", said["owners"]), exempt=exempt))
            else:
                told = {"direct_exception": nobody, "ultimate_exception": nobody}
                walk.take(question, ParentsAnswer(**head("gleif", said["parents"]), **told))
    return ownership(walk)


def replied(count: int) -> CheckResult:
    """So many referees answered well; two are needed."""
    said = ReferenceReading(conclusive=True, favourable=True, days_beyond_terms=0, confidence=0.95)
    seen = Evidence(
        id="reply", source="referee", record="r", liveness=Liveness.SIMULATED, retrieved_at=NOW
    )
    return references({f"trade-{n}": (said, seen) for n in range(count)}, 2, ())


def checked(
    said: dict[str, S], replies: int, read: bool, copy: S = S.UNAVAILABLE, office: str | None = None
) -> Iterator[CheckResult]:
    """Judge the case by the rules of its checks. `read`: models answered. `copy` is what stood in
    for silent lists, `office` what the form declares.
    """
    register = company(said["register"])
    held = (DIRECTOR,) if said["officers"] is S.FOUND else ()
    yield existence(CASE, register, lei(said["lei"]), same() if read else None)
    yield credit(CASE, register, None, None, solvent() if read else None)
    yield sanctions([Screened(query(name=CASE.subject.name), screened(said["lists"]))], [])
    yield walked(CASE, said)
    yield of_subject(
        CASE,
        InsolvencyAnswer(**head("register", said["insolvency"])),
        OfficersAnswer(**head("register", said["officers"]), officers=held, total=len(held)),
        DebarmentsAnswer(**head("list", said["debarments"])),
        Instead(
            query(name=CASE.subject.name),
            register if said["insolvency"] in SILENT else None,
            (screened(copy),) if said["debarments"] in SILENT else (),
        ),
    )
    about = party("UNILEVER PLC", party_id="subject")
    yield media(Reader(about, answer(state=said["press"]), OPENED), {})
    names = [d for d in domains(CASE.subject) if d]
    told: dict[str, Any] = (
        {"addresses": ("192.0.2.1",), "mail_servers": ("mx.example",)}
        if said["domain"] is S.FOUND
        else {}
    )
    yield contact(
        CASE.subject,
        CASE.opened,
        {name: DomainAnswer(**head("dns", said["domain"]), **told) for name in names},
    )
    yield geography([located(CASE.subject)], CASE.opened)
    yield replied(replies)
    person = query(party_id="p1", name=OWNER.name).model_copy(update={"kind": "Person"})
    yield pep(person, screened(said["exposed"]), CASE.opened, office)
    yield identity(CASE, OWNER.model_copy(update={"documents": DOCUMENTS[said["document"]]}))


def complete(checks: list[CheckResult]) -> CheckResult:
    """The last check, on what the others came to; of the owner no list says anything."""
    listed = Sheet(Check.SANCTIONS, OWNER.party_id).result(1.0)
    return dossier(Filed(CASE, (OWNER,), [*checks, listed], NOW))


def routed(checks: list[CheckResult], sure: float) -> Route:
    """Route the case with a model that agrees with the rules about everything."""
    tier, proposal = routing.tier_by_rules(checks), routing.propose(checks)
    wrote = narrative(proposal, confidence=sure, tier=tier)
    weighed = routing.Weighed(
        tier,
        routing.confidence(checks, wrote),
        gaps=sum(len(c.gaps) for c in checks),
        hits=open_hits(checks),
        straight=True,
    )
    return routing.route(weighed).route


def states(**fixed: S) -> st.SearchStrategy[dict[str, S]]:
    """Mostly the best answer of each source, sometimes any."""
    drawn = {k: st.sampled_from([best, best, best, *S]) for k, best in BEST.items()}
    return st.fixed_dictionaries(drawn | {k: st.just(v) for k, v in fixed.items()})


@settings(print_blob=True, deadline=None, max_examples=150)
@given(
    states(),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from((0.69, 0.7, 0.9, 1.0)),
    st.sampled_from(S),
    st.sampled_from((None, "")),
)
def test_no_silence_is_ever_clear_or_waved_through(
    said: dict[str, S], replies: int, read: bool, sure: float, copy: S, office: str | None
) -> None:
    checks = list(checked(said, replies, read, copy, office))
    checks.append(complete(checks))
    whole = checks[-1].outcome is CheckOutcome.CLEAR
    assert not (whole and any(c.check in OF_THE_PACK and c.gaps for c in checks))
    for check in checks:
        assert check.gaps or check.outcome not in CAME_TO_NOTHING, check
        if check.check is Check.IDENTITY and said["document"] is not S.FOUND:
            assert check.outcome is CheckOutcome.INCONCLUSIVE
        asked = {source: said[source] for source in ASKED.get(check.check, ())}
        if check.outcome is CheckOutcome.CLEAR:
            assert not check.gaps, check
            assert not check.findings, check
            assert not set(asked.values()) & set(SILENT), (check.check, asked)
        assert check.outcome is not CheckOutcome.NOT_APPLICABLE or not asked, check
    silent = any(state in SILENT for state in said.values())
    if silent or replies < 2 or not read or any(c.gaps for c in checks):
        assert routed(checks, sure) not in (Route.QUICK, Route.STRAIGHT)


@pytest.mark.parametrize("source", BEST)
def test_any_one_silent_source_costs_the_quick_approval(source: str) -> None:
    """And nothing else does: with every answer the same case goes straight through."""
    best = list(checked(BEST, 2, True))
    assert routed([*best, complete(best)], 1.0) is Route.STRAIGHT
    for state in SILENT:
        checks = list(checked(BEST | {source: state}, 2, True))
        assert any(c.gaps for c in checks)
        assert routed(checks, 1.0) not in (Route.QUICK, Route.STRAIGHT)
