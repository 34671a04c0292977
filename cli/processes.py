"""What `run` can start: a table from a process's name to its input record."""

import secrets
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from cli.errors import BadInput
from workflows.data.blueprints.case import BlueprintCase, BlueprintResult
from workflows.data.case_file import CaseFile
from workflows.data.common import Record, StatusView
from workflows.data.content_generation import ContentBrief, ContentGenerated
from workflows.data.content_production import ContentOrder, ContentPiece, ContentSoFar
from workflows.data.decision import CaseSoFar, DecisionRecord
from workflows.data.document_analysis import AnalysisCase, AnalysisResult, AnalysisSoFar
from workflows.data.due_diligence import Route
from workflows.data.email_triage import Path, TriageCase, TriageResult
from workflows.data.intelligence import (
    IntelligenceOrder,
    IntelligenceReport,
    IntelligenceSoFar,
)
from workflows.data.orders import OrderCase, OrderResult
from workflows.data.pipeline import PipelineOrder, PipelineResult, PipelineState
from workflows.data.proposal import ProposalCase, ProposalPath, ProposalResult
from workflows.data.sentiment import SentimentCase, SentimentResult
from workflows.data.submission import SubmissionCase, SubmissionRecord, SubmissionSoFar
from workflows.data.support import SupportPath, SupportRequest, SupportResult
from workflows.grades import Step


@dataclass(frozen=True)
class ProcessEntry:
    """A process people can start. `prefix` begins the workflow ids of its cases.

    `record` is its input, `result` what it ends with, `so_far` what it answers before that;
    `paths` are those a case can take, for a process with a route table. For batches: `core` is a
    step that takes the input and gives the result, so that a case can be one activity; `has_steps`
    says that its calls stand in steps, which can run fused within the case.
    """

    name: str
    record: type[Record]
    result: type[Record]
    prefix: str
    about: str
    so_far: type[Record] = StatusView
    paths: tuple[str, ...] = ()
    core: Step[Any, Any] | None = None
    has_steps: bool = False

    def new_id(self, given: Any) -> str:
        """Make a new workflow id: prefix, case id, random suffix (every run is its own scope)."""
        return f"{self.prefix}-{given.case}-{secrets.token_hex(3)}"


PROCESSES = (
    ProcessEntry(
        "due-diligence",
        CaseFile,
        DecisionRecord,
        "dd",
        "check a new business customer, then onboard",
        so_far=CaseSoFar,
        paths=tuple(Route),
    ),
    ProcessEntry(
        "order-fulfilment",
        OrderCase,
        OrderResult,
        "of",
        "pay, reserve and ship a customer's order, or undo it",
        so_far=OrderResult,
    ),
    ProcessEntry(
        "content-production",
        ContentOrder,
        ContentPiece,
        "cp",
        "write, illustrate and check a piece of content from given material",
        so_far=ContentSoFar,
    ),
    ProcessEntry(
        "regulatory-submission",
        SubmissionCase,
        SubmissionRecord,
        "rs",
        "analyse, write, review and bundle, each phase signed and locked",
        so_far=SubmissionSoFar,
    ),
    ProcessEntry(
        "competitive-intelligence",
        IntelligenceOrder,
        IntelligenceReport,
        "ci",
        "ask sources about competitors, report with what came in time",
        so_far=IntelligenceSoFar,
    ),
    ProcessEntry(
        "content-generation",
        ContentBrief,
        ContentGenerated,
        "cg",
        "write a thread, a post, a caption and a newsletter at once, then edit",
        so_far=ContentGenerated,
    ),
    ProcessEntry(
        "sentiment",
        SentimentCase,
        SentimentResult,
        "se",
        "rate what many customers wrote, ten to a call",
        so_far=SentimentResult,
    ),
    ProcessEntry(
        "document-analysis",
        AnalysisCase,
        AnalysisResult,
        "da",
        "read a pile of documents by three models each, vote, summarise",
        so_far=AnalysisSoFar,
        has_steps=True,
    ),
    ProcessEntry(
        "support-request",
        SupportRequest,
        SupportResult,
        "sr",
        "answer a customer's request, by article, model or person",
        so_far=SupportResult,
        paths=tuple(SupportPath),
    ),
    ProcessEntry(
        "data-pipeline",
        PipelineOrder,
        PipelineResult,
        "dp",
        "bring new rows of a source into a table, in batches, each once",
        so_far=PipelineState,
    ),
    ProcessEntry(
        "email-triage",
        TriageCase,
        TriageResult,
        "et",
        "read a customer's mail three ways at once, answer it once",
        so_far=TriageResult,
        paths=tuple(Path),
    ),
    ProcessEntry(
        "proposal",
        ProposalCase,
        ProposalResult,
        "pr",
        "assess, review, refine and send an offer, then verify it",
        so_far=ProposalResult,
        paths=tuple(ProposalPath),
    ),
    ProcessEntry(
        "blueprint",
        BlueprintCase,
        BlueprintResult,
        "bp",
        "run a process written in YAML (`starter.py blueprint`)",
        so_far=BlueprintResult,
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
