"""What `run` can start: a table from a process's name to what it takes and gives."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cli.errors import BadInput
from workflows.data.common import Record, StatusView

if TYPE_CHECKING:
    from workflows.grades import Step


@dataclass(frozen=True)
class Records:
    """What a process takes (`record`), ends with (`result`) and answers before that (`so_far`);
    `paths` are those a case can take, for a process with a route table. For batches: `core` is a
    step that takes the input and gives the result, so that a case can be one activity.
    """

    record: type[Record]
    result: type[Record]
    so_far: type[Record] = StatusView
    paths: tuple[str, ...] = ()
    core: "Step[Any, Any] | None" = None


@dataclass(frozen=True)
class ProcessEntry:
    """A process people can start. `prefix` begins the workflow ids of its cases.

    Its `records` are imported when first asked for: those of all processes take a third of a
    second. `has_steps` says that its calls stand in steps, which can run fused within the case.
    """

    name: str
    prefix: str
    about: str
    records: Callable[[], Records]
    has_steps: bool = False

    @cached_property
    def _records(self) -> Records:
        return self.records()

    @property
    def record(self) -> type[Record]:
        """What it takes."""
        return self._records.record

    @property
    def result(self) -> type[Record]:
        """What it ends with."""
        return self._records.result

    @property
    def so_far(self) -> type[Record]:
        """What it answers before its end."""
        return self._records.so_far

    @property
    def paths(self) -> tuple[str, ...]:
        """Those a case can take, for a process with a route table."""
        return self._records.paths

    @property
    def core(self) -> "Step[Any, Any] | None":
        """A step that is the whole case, if there is one."""
        return self._records.core

    def new_id(self, given: Any) -> str:
        """Make a new workflow id: prefix, case id, random suffix (every run is its own scope)."""
        return f"{self.prefix}-{given.case}-{secrets.token_hex(3)}"


def _due_diligence() -> Records:
    from workflows.data.case_file import CaseFile
    from workflows.data.decision import CaseSoFar, DecisionRecord
    from workflows.data.due_diligence import Route

    return Records(CaseFile, DecisionRecord, so_far=CaseSoFar, paths=tuple(Route))


def _order_fulfilment() -> Records:
    from workflows.data.orders import OrderCase, OrderResult

    return Records(OrderCase, OrderResult, so_far=OrderResult)


def _content_production() -> Records:
    from workflows.data.content_production import ContentOrder, ContentPiece, ContentSoFar

    return Records(ContentOrder, ContentPiece, so_far=ContentSoFar)


def _regulatory_submission() -> Records:
    from workflows.data.submission import SubmissionCase, SubmissionRecord, SubmissionSoFar

    return Records(SubmissionCase, SubmissionRecord, so_far=SubmissionSoFar)


def _competitive_intelligence() -> Records:
    from workflows.data.intelligence import IntelligenceOrder, IntelligenceReport, IntelligenceSoFar

    return Records(IntelligenceOrder, IntelligenceReport, so_far=IntelligenceSoFar)


def _content_generation() -> Records:
    from workflows.data.content_generation import ContentBrief, ContentGenerated

    return Records(ContentBrief, ContentGenerated, so_far=ContentGenerated)


def _sentiment() -> Records:
    from workflows.data.sentiment import SentimentCase, SentimentResult

    return Records(SentimentCase, SentimentResult, so_far=SentimentResult)


def _document_analysis() -> Records:
    from workflows.data.document_analysis import AnalysisCase, AnalysisResult, AnalysisSoFar

    return Records(AnalysisCase, AnalysisResult, so_far=AnalysisSoFar)


def _support_request() -> Records:
    from workflows.data.support import SupportPath, SupportRequest, SupportResult

    return Records(SupportRequest, SupportResult, so_far=SupportResult, paths=tuple(SupportPath))


def _data_pipeline() -> Records:
    from workflows.data.pipeline import PipelineOrder, PipelineResult, PipelineState

    return Records(PipelineOrder, PipelineResult, so_far=PipelineState)


def _email_triage() -> Records:
    from workflows.data.email_triage import Path, TriageCase, TriageResult

    return Records(TriageCase, TriageResult, so_far=TriageResult, paths=tuple(Path))


def _proposal() -> Records:
    from workflows.data.proposal import ProposalCase, ProposalPath, ProposalResult

    return Records(ProposalCase, ProposalResult, so_far=ProposalResult, paths=tuple(ProposalPath))


def _blueprint() -> Records:
    from workflows.data.blueprints.case import BlueprintCase, BlueprintResult

    return Records(BlueprintCase, BlueprintResult, so_far=BlueprintResult)


PROCESSES = (
    ProcessEntry(
        "due-diligence", "dd", "check a new business customer, then onboard", _due_diligence
    ),
    ProcessEntry(
        "order-fulfilment",
        "of",
        "pay, reserve and ship a customer's order, or undo it",
        _order_fulfilment,
    ),
    ProcessEntry(
        "content-production",
        "cp",
        "write, illustrate and check a piece of content from given material",
        _content_production,
    ),
    ProcessEntry(
        "regulatory-submission",
        "rs",
        "analyse, write, review and bundle, each phase signed and locked",
        _regulatory_submission,
    ),
    ProcessEntry(
        "competitive-intelligence",
        "ci",
        "ask sources about competitors, report with what came in time",
        _competitive_intelligence,
    ),
    ProcessEntry(
        "content-generation",
        "cg",
        "write a thread, a post, a caption and a newsletter at once, then edit",
        _content_generation,
    ),
    ProcessEntry("sentiment", "se", "rate what many customers wrote, ten to a call", _sentiment),
    ProcessEntry(
        "document-analysis",
        "da",
        "read a pile of documents by three models each, vote, summarise",
        _document_analysis,
        has_steps=True,
    ),
    ProcessEntry(
        "support-request",
        "sr",
        "answer a customer's request, by article, model or person",
        _support_request,
    ),
    ProcessEntry(
        "data-pipeline",
        "dp",
        "bring new rows of a source into a table, in batches, each once",
        _data_pipeline,
    ),
    ProcessEntry(
        "email-triage",
        "et",
        "read a customer's mail three ways at once, answer it once",
        _email_triage,
    ),
    ProcessEntry(
        "proposal", "pr", "assess, review, refine and send an offer, then verify it", _proposal
    ),
    ProcessEntry(
        "blueprint", "bp", "run a process written in YAML (`starter.py blueprint`)", _blueprint
    ),
)


def process(name: str) -> ProcessEntry:
    """Find a process. Raises BadInput naming those there are."""
    for entry in PROCESSES:
        if entry.name == name:
            return entry
    known = [e.name for e in PROCESSES]
    near = get_close_matches(name.lower().replace("_", "-"), known, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    raise BadInput(f"there is no process {name!r}{meant}; there is {', '.join(known)}")
