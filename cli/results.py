"""How each process's result looks to a person: a table from record to renderer."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import RenderableType

from cli.blueprints.shown import blueprint
from cli.intelligence_shown import heard, intelligence
from cli.order_shown import order
from cli.pipeline_shown import pipeline
from cli.proposal_shown import proposal
from cli.show_reading import analysis, sentiment
from cli.submissions import submission
from cli.support_shown import support
from cli.triage_shown import triage
from cli.writing_shown import generated, piece, piece_so_far
from workflows.data.blueprints.case import BlueprintResult
from workflows.data.content_generation import ContentGenerated
from workflows.data.content_production import ContentPiece, ContentSoFar
from workflows.data.document_analysis import AnalysisResult
from workflows.data.email_triage import TriageResult
from workflows.data.intelligence import IntelligenceReport, IntelligenceSoFar
from workflows.data.orders import OrderResult
from workflows.data.pipeline import PipelineResult, PipelineState
from workflows.data.proposal import ProposalResult
from workflows.data.sentiment import SentimentResult
from workflows.data.submission import SubmissionRecord, SubmissionSoFar
from workflows.data.support import SupportResult

_SHOWN: Mapping[type, Callable[[Any], RenderableType]] = {
    AnalysisResult: analysis,
    BlueprintResult: blueprint,
    ContentGenerated: generated,
    ContentPiece: piece,
    ContentSoFar: piece_so_far,
    IntelligenceReport: intelligence,
    IntelligenceSoFar: heard,
    OrderResult: order,
    PipelineResult: pipeline,
    PipelineState: pipeline,
    ProposalResult: proposal,
    SentimentResult: sentiment,
    SubmissionRecord: submission,
    SubmissionSoFar: submission,
    SupportResult: support,
    TriageResult: triage,
}


def shown(record: object) -> RenderableType | None:
    """Show what a process ended with, or knows so far; None for a record without words."""
    found = _SHOWN.get(type(record))
    return found(record) if found else None
