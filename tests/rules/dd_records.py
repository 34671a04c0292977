"""Records of due diligence for tests of pure rules: small, valid, made by hand."""

from datetime import UTC, date, datetime
from typing import Any

from cli.inputs import read
from runtime.settings import ROOT
from workflows.data.case_file import CaseFile
from workflows.data.common import Decision
from workflows.data.due_diligence import CaseOutcome, Claim, Dropped, Narrative, Tier
from workflows.data.findings import (
    Check,
    CheckOutcome,
    CheckResult,
    Evidence,
    Finding,
    FindingCode,
    Gap,
    Strength,
)
from workflows.data.readings import CreditReading, IdentityReading
from workflows.data.sources import (
    Company,
    CompanyAnswer,
    Fact,
    FactsAnswer,
    Filing,
    FilingsAnswer,
    Identifier,
    LeiAnswer,
    LeiEntry,
    ListHit,
    Liveness,
    ScreenAnswer,
    ScreenQuery,
    SourceError,
    SourceState,
)

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SILENT = (SourceState.UNAVAILABLE, SourceState.REJECTED)


def example(name: str = "unilever") -> CaseFile:
    return read(ROOT / "cases" / f"{name}.yaml", CaseFile)


def head(source: str, state: SourceState) -> dict[str, Any]:
    silent = state in SILENT
    return {
        "source": source,
        "state": state,
        "liveness": Liveness.NOWHERE if silent else Liveness.SIMULATED,
        "retrieved_at": NOW,
        "error": SourceError(code="503", retry="later") if silent else None,
    }


def company(state: SourceState = SourceState.FOUND, **changes: Any) -> CompanyAnswer:
    entry = {
        "name": "UNILEVER PLC",
        "number": "00041424",
        "status": "active",
        "incorporated": date(1894, 6, 21),
        "accounts_overdue": False,
        "insolvency_history": False,
        "accounts_made_up_to": date(2025, 12, 31),
    }
    found = Company.model_validate(entry | changes) if state is SourceState.FOUND else None
    return CompanyAnswer(**head("company_register", state), company=found)


def lei(state: SourceState = SourceState.FOUND, **changes: Any) -> LeiAnswer:
    entry = {
        "lei": "549300MKFYEKVRWML317",
        "name": "Unilever PLC",
        "status": "ACTIVE",
        "registration": "ISSUED",
        "registered_as": "00041424",
    }
    found = LeiEntry.model_validate(entry | changes) if state is SourceState.FOUND else None
    return LeiAnswer(**head("gleif", state), entry=found)


def filing(form: str = "10-K", *items: str, day: date = date(2025, 2, 1)) -> Filing:
    return Filing(form=form, filed=day, accession=f"0001-{form}-{day}", items=items)


def filings(state: SourceState = SourceState.FOUND, *held: Filing) -> FilingsAnswer:
    found = (held or (filing(),)) if state is SourceState.FOUND else ()
    return FilingsAnswer(**head("edgar", state), filings=found)


SOUND = {
    "Assets": 1000,
    "AssetsCurrent": 600,
    "Liabilities": 400,
    "LiabilitiesCurrent": 300,
    "StockholdersEquity": 600,
    "RetainedEarningsAccumulatedDeficit": 300,
    "OperatingIncomeLoss": 120,
    "Revenues": 1500,
    "NetCashProvidedByUsedInOperatingActivities": 130,
}
"""Figures of a sound company."""


def facts(state: SourceState = SourceState.FOUND, **changes: float) -> FactsAnswer:
    day = date(2025, 12, 31)
    held = tuple(
        Fact(concept=concept, unit="USD", end=day, value=value, filed=day)
        for concept, value in (SOUND | changes).items()
    )
    return FactsAnswer(**head("edgar", state), facts=held if state is SourceState.FOUND else ())


def query(*numbers: str, party_id: str = "subject", name: str = "BANK SADERAT PLC") -> ScreenQuery:
    own = tuple(Identifier(scheme="GB-COH", value=n) for n in numbers)
    return ScreenQuery(party_id=party_id, kind="Company", name=name, identifiers=own)


def hit(score: float = 1.0, remarks: str = "", *numbers: str) -> ListHit:
    listed = tuple(Identifier(scheme="GB-COH", value=n) for n in numbers)
    return ListHit(
        entry_id="ofac-1",
        caption="BANK SADERAT PLC",
        score=score,
        dataset="us_ofac_sdn",
        identifiers=listed,
        remarks=remarks,
    )


def screened(state: SourceState = SourceState.NONE, *hits: ListHit) -> ScreenAnswer:
    return ScreenAnswer(**head("opensanctions", state), hits=hits, list_version="20261119")


def same(confidence: float = 0.95, **changes: Any) -> IdentityReading:
    plain = {"same_entity": "yes", "discrepancies": (), "confidence": confidence}
    return IdentityReading.model_validate(plain | changes)


def solvent(confidence: float = 0.95, level: str = "none") -> CreditReading:
    said = {"level": level, "reasons": (), "confidence": confidence}
    return CreditReading.model_validate(said)


def result(
    check: Check,
    *codes: FindingCode,
    gaps: int = 0,
    outcome: CheckOutcome | None = None,
    confidence: float = 0.95,
) -> CheckResult:
    """A check with one piece of evidence, a finding per code and some gaps."""
    natural = CheckOutcome.INCONCLUSIVE if gaps else CheckOutcome.CLEAR
    seen = Evidence(
        id=f"{check}-e1",
        source="register",
        record="1",
        liveness=Liveness.SIMULATED,
        retrieved_at=NOW,
    )
    found = tuple(
        Finding(
            id=f"{check}-f{n}",
            code=code,
            party_id="subject",
            summary=f"about {code}",
            strength=Strength.RECORD,
            evidence=(seen.id,),
        )
        for n, code in enumerate(codes, 1)
    )
    missing = (Gap(id=f"{check}-g{n}", check=check, reason="no answer") for n in range(1, gaps + 1))
    return CheckResult(
        check=check,
        outcome=outcome or (CheckOutcome.FINDING if codes else natural),
        confidence=confidence,
        findings=found,
        gaps=tuple(missing),
        evidence=(seen,),
    )


def checks(**changed: CheckResult) -> tuple[CheckResult, ...]:
    """Twelve clear checks but for those given by name."""
    return tuple(changed.get(c.value) or result(c) for c in Check)


def narrative(
    proposed: CaseOutcome = CaseOutcome.APPROVE,
    *,
    kept: int = 2,
    dropped: int = 0,
    confidence: float = 0.95,
    tier: Tier | None = Tier.LOW,
) -> Narrative:
    def claims(count: int, cited: str) -> tuple[Claim, ...]:
        return tuple(Claim(text=f"claim {n}", cites=(cited,)) for n in range(count))

    return Narrative(
        claims=claims(kept, "identity-e1"),
        dropped=tuple(
            Dropped(**c.model_dump(), why="cites nowhere-e9") for c in claims(dropped, "nowhere-e9")
        ),
        proposed=proposed,
        model_tier=tier,
        confidence=confidence,
        model="gpt-x",
        simulated=True,
    )


def said(by: str, verdict: str = "approve", **limits: str) -> Decision:
    conditions = [{"code": code, "value": value} for code, value in limits.items()]
    return Decision.model_validate({"by": by, "verdict": verdict, "conditions": conditions})
