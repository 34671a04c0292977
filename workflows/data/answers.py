"""The records a prompt may name for a model's reply, of every process and pattern."""

from workflows.data import email_triage as mails
from workflows.data.aggregate import Cited
from workflows.data.common import Record
from workflows.data.complexity import Rating
from workflows.data.content_generation import ConsistencyEdit, PieceDraft
from workflows.data.content_production import (
    ContentBrief,
    ContentDraft,
    ContentLayout,
    ContentOutline,
    FactSheet,
    FigurePlan,
    PieceCheck,
    ResearchNotes,
)
from workflows.data.context import Summary
from workflows.data.document_analysis import DocumentReading, DocumentsSummary
from workflows.data.due_diligence import Synthesis
from workflows.data.intelligence import Briefing, CompetitorReading
from workflows.data.proposal import ActionPlan, DraftScore, ProposalDraft, ProposalReview
from workflows.data.readings import (
    CreditReading,
    HitReading,
    IdentityReading,
    MediaReading,
    ReferenceReading,
)
from workflows.data.route import PathProposal
from workflows.data.sentiment import Tones
from workflows.data.submission import ClinicalReading, DocumentCheck, DocumentText
from workflows.data.support import RequestReading, SupportAnswer

OF_CASES = (
    IdentityReading,
    CreditReading,
    HitReading,
    ReferenceReading,
    MediaReading,
    Synthesis,
    ClinicalReading,
    DocumentText,
    DocumentCheck,
    DocumentReading,
    DocumentsSummary,
    RequestReading,
    SupportAnswer,
    PieceDraft,
    Tones,
    ConsistencyEdit,
    ProposalReview,
    ProposalDraft,
    DraftScore,
    ActionPlan,
)
OF_CONTENT = (
    ContentBrief,
    ResearchNotes,
    ContentOutline,
    FactSheet,
    ContentDraft,
    FigurePlan,
    ContentLayout,
    PieceCheck,
)
OF_INTELLIGENCE = (CompetitorReading, Briefing)
OF_MAILS = (
    mails.ToneReading,
    mails.PointsReading,
    mails.UrgencyReading,
    mails.DraftedAnswer,
    mails.DraftCheck,
)
OF_PATTERNS = (Cited, PathProposal, Rating, Summary)
ANSWERS: dict[str, type[Record]] = {
    r.__name__: r for r in (*OF_CASES, *OF_CONTENT, *OF_INTELLIGENCE, *OF_MAILS, *OF_PATTERNS)
}
"""The records a prompt may name for a model's reply."""
