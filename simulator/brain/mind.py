"""A simulated model: which rule answers a question, and when it errs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog
from pydantic import BaseModel, JsonValue, TypeAdapter

from simulator.brain import content, copywriting, mails, proposal, rules, submission, support, watch
from simulator.brain.documents import (
    ArticleDocuments,
    CreditDocuments,
    Document,
    EditDocuments,
    HitDocuments,
    IdentityDocuments,
    PaperDocuments,
    PapersResults,
    PieceDocuments,
    ReferenceDocuments,
    RemarksDocuments,
    SynthesisDocuments,
    read,
)
from simulator.brain.extract import reply
from simulator.brain.minimal import minimal
from simulator.brain.papers import paper, papers
from simulator.brain.plausible import Plausible
from simulator.brain.press import press
from simulator.brain.remarks import rated
from simulator.brain.slips import slip
from simulator.brain.synthesis import synthesis
from simulator.chance import digest, unit
from simulator.config import SimulatorConfig

log = structlog.get_logger()
_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


@dataclass(frozen=True)
class Question:
    """What a model is asked, whoever the vendor. `schema` None means free text.

    `stream` asks for the answer in pieces, which then `tells_usage` or not; `counts` asks only
    how many tokens the prompt has. `marked` is the beginning of the prompt that the vendor
    shall keep; None leaves that to the vendor.
    """

    vendor: str
    model: str
    system: str
    user: str
    schema: dict[str, JsonValue] | None
    max_output_tokens: int | None
    sample: str
    stream: bool = False
    tells_usage: bool = True
    counts: bool = False
    marked: str | None = None

    @cached_property
    def hash(self) -> str:
        """Identify vendor, model, prompt and sample."""
        wanted = str(self.schema.get("title", "")) if self.schema else ""
        return digest(self.vendor, self.model, self.system, self.user, wanted, self.sample)


@dataclass(frozen=True)
class _Rule:
    documents: type[Document]
    answer: Callable[[Any], BaseModel]


RULES = {
    "IdentityReading": _Rule(IdentityDocuments, rules.identity),
    "CreditReading": _Rule(CreditDocuments, rules.credit),
    "HitReading": _Rule(HitDocuments, rules.hit),
    "ReferenceReading": _Rule(ReferenceDocuments, rules.reference),
    "MediaReading": _Rule(ArticleDocuments, press),
    "PieceDraft": _Rule(PieceDocuments, copywriting.piece),
    "ConsistencyEdit": _Rule(EditDocuments, copywriting.consistency),
    "Tones": _Rule(RemarksDocuments, rated),
    "DocumentReading": _Rule(PaperDocuments, paper),
    "DocumentsSummary": _Rule(PapersResults, papers),
    "Synthesis": _Rule(SynthesisDocuments, synthesis),
    "ContentBrief": _Rule(content.BriefDocuments, content.brief),
    "ResearchNotes": _Rule(content.ResearchDocuments, content.research),
    "ContentOutline": _Rule(content.OutlineDocuments, content.outline),
    "FactSheet": _Rule(content.FactDocuments, content.facts),
    "ContentDraft": _Rule(content.DraftDocuments, content.draft),
    "FigurePlan": _Rule(content.FigureDocuments, content.figures),
    "ContentLayout": _Rule(content.LayoutDocuments, content.layout),
    "CompetitorReading": _Rule(watch.NewsDocuments, watch.news),
    "Briefing": _Rule(watch.BriefingDocuments, watch.briefing),
    "PieceCheck": _Rule(content.CheckDocuments, content.check),
    "ToneReading": _Rule(mails.MailDocuments, mails.tone),
    "PointsReading": _Rule(mails.MailDocuments, mails.points),
    "UrgencyReading": _Rule(mails.MailDocuments, mails.urgency),
    "DraftedAnswer": _Rule(mails.AnswerDocuments, mails.answer),
    "DraftCheck": _Rule(mails.AnswerDocuments, mails.check),
    "FactCheck": _Rule(mails.AnswerDocuments, mails.facts),
    "ClinicalReading": _Rule(submission.ReadingDocuments, submission.reading),
    "DocumentText": _Rule(submission.WritingDocuments, submission.document),
    "DocumentCheck": _Rule(submission.CheckDocuments, submission.check),
    "ProposalReview": _Rule(proposal.RequestOfReview, proposal.review),
    "ProposalDraft": _Rule(proposal.RequestOfDraft, proposal.draft),
    "DraftScore": _Rule(proposal.RequestOfScore, proposal.score),
    "ActionPlan": _Rule(proposal.RequestOfPlan, proposal.plan),
    "RequestReading": _Rule(support.RequestDocuments, support.request),
    "SupportAnswer": _Rule(support.AnswerDocuments, support.answer),
}
"""Records by their schema's title, with the documents each needs."""


def answer(question: Question, config: SimulatorConfig) -> str:
    """Give the text a model answers with: JSON that fits the schema, right or, at the model's
    error rate, wrong. Depends on seed, vendor, model, prompt and sample alone.
    """
    if question.schema is None:
        return reply(question.user)
    rule = RULES.get(str(question.schema.get("title", "")))
    if rule is None:
        return _text(minimal(question.schema, _filler(question, config)))
    documents = read(rule.documents, question.user)
    if isinstance(documents, str):
        log.warning("no rule applies", record=question.schema.get("title"), reason=documents)
        return _text(minimal(question.schema))
    reading = rule.answer(documents)
    if unit(config.seed, "errs", question.hash) < config.error_rate_of(question.model):
        reading = slip(reading, unit(config.seed, "slip", question.hash))
    return reading.model_dump_json()


def _filler(question: Question, config: SimulatorConfig) -> Plausible:
    return Plausible(
        told=question.user,
        model=question.model,
        sample=question.sample,
        seed=config.seed,
        error_rate=config.error_rate_of(question.model),
    )


def _text(value: JsonValue) -> str:
    return _JSON.dump_json(value).decode()


def tokens(text: str) -> int:
    """Count tokens as one per four characters, rounded up; none for an empty text."""
    return -(-len(text) // 4)
