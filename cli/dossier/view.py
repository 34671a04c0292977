"""What a dossier is made of: the case file, what is known of the case, and its audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from workflows.data.audit import AuditRow, broken
from workflows.data.case_file import CaseFile, Party
from workflows.data.decision import CaseSoFar, DecisionRecord
from workflows.data.due_diligence import Narrative
from workflows.data.findings import CheckResult, Evidence, Finding, Gap
from workflows.data.sources import Liveness

REAL = (Liveness.LIVE, Liveness.CACHED)


@dataclass(frozen=True)
class View:
    """A case as it is shown. Before its decision it is a draft."""

    case_id: str
    case: CaseFile
    known: CaseSoFar
    audit: Sequence[AuditRow]
    made: datetime

    @property
    def decision(self) -> DecisionRecord | None:
        """The decision, once there is one."""
        return self.known.decision

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """All checks, of the subject and of parties."""
        return self.decision.checks if self.decision else self.known.checks

    @property
    def narrative(self) -> Narrative | None:
        """The summary."""
        return self.decision.narrative if self.decision else self.known.narrative

    @property
    def parties(self) -> tuple[Party, ...]:
        """Everybody besides the subject, named in the case or discovered."""
        found = self.decision.parties if self.decision else self.known.parties
        named = {p.party_id for p in found}
        return (*(p for p in self.case.parties if p.party_id not in named), *found)

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """Every record that was looked at."""
        return tuple(e for c in self.checks for e in c.evidence)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that speaks against the customer."""
        return tuple(f for c in self.checks for f in c.findings)

    @cached_property
    def gaps(self) -> tuple[tuple[CheckResult, Gap], ...]:
        """Everything that could not be established, with its check."""
        return tuple((c, g) for c in self.checks for g in c.gaps)

    @cached_property
    def ids(self) -> frozenset[str]:
        """Every id that has a place in the page."""
        mine = {e.id for e in self.evidence} | {f.id for f in self.findings}
        return frozenset(mine | {g.id for _, g in self.gaps})

    @cached_property
    def simulated(self) -> bool:
        """Whether any of it rests on a source that is not real."""
        said = self.narrative
        return any(e.liveness not in REAL for e in self.evidence) or bool(said and said.simulated)

    @cached_property
    def oldest(self) -> date | None:
        """The day of the oldest list or record among what is simulated."""
        days = [e.as_of for e in self.evidence if e.liveness not in REAL and e.as_of]
        return min(days, default=None)

    @cached_property
    def names(self) -> dict[str, str]:
        """Names by party id."""
        known = {"subject": self.case.subject.name}
        known |= {self.case.subject.party_id: self.case.subject.name}
        known |= {p.party_id: p.name for p in self.parties}
        return known | {r.party_id: r.name for r in self.case.references.referees}

    @cached_property
    def chain(self) -> str:
        """Whether the audit's chain is whole, in words."""
        head = self.decision.audit_head if self.decision else ""
        wrong = broken((r.model_dump(mode="json") for r in self.audit), head)
        return f"broken at row {wrong.row}: {wrong.why}" if wrong else "whole"
