"""The documents a prompt carries, one record per question; unknown fields are passed over."""

import re
from datetime import date

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workflows.data.due_diligence import Tier
from workflows.data.findings import CheckOutcome, FindingCode
from workflows.data.news import PressSubject
from workflows.data.sources import (
    Company,
    Fact,
    Filing,
    Identifier,
    LeiEntry,
    ListHit,
    ScreenQuery,
)

_BLOCK = re.compile(r"<(documents|results)>\n(.*?)\n</\1>", re.DOTALL)


class Document(BaseModel):
    """A document as read, leniently: prompts may say more than a rule needs."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Form(Document):
    """What the customer wrote."""

    name: str
    country: str = ""
    incorporated: date | None = None
    postcode: str | None = ""
    identifiers: tuple[Identifier, ...] = ()


class IdentityDocuments(Document):
    """For IdentityReading."""

    form: Form
    entry: Company | None = Field(default=None, alias="register")
    lei: LeiEntry | None = None


class CreditDocuments(Document):
    """For CreditReading."""

    entry: Company | None = Field(default=None, alias="register")
    filings: tuple[Filing, ...] = ()
    facts: tuple[Fact, ...] = ()


class HitDocuments(Document):
    """For HitReading."""

    party: ScreenQuery
    hit: ListHit


class RefereeDocument(Document):
    """Who was asked."""

    party_id: str = ""
    kind: str = ""


class ReferenceDocuments(Document):
    """For ReferenceReading."""

    referee: RefereeDocument = RefereeDocument()
    reply: str


class ArticleDocument(Document):
    """One press item."""

    title: str
    text: str
    published: date | None = None


class ArticleDocuments(Document):
    """For MediaReading."""

    party: PressSubject
    article: ArticleDocument


class CheckDocument(Document):
    """What a check came to."""

    check: str
    outcome: CheckOutcome
    confidence: float


class FindingDocument(Document):
    """A finding with its id. The code is free: later processes have more of them."""

    id: str
    code: FindingCode | str
    check: str = ""
    summary: str = ""


class GapDocument(Document):
    """A gap with its id."""

    id: str
    check: str
    reason: str = ""


class EvidenceDocument(Document):
    """A piece of evidence with its id."""

    id: str
    source: str = ""
    record: str = ""
    excerpt: str = ""


class SynthesisDocuments(Document):
    """For Synthesis."""

    tier: Tier
    checks: tuple[CheckDocument, ...] = ()
    findings: tuple[FindingDocument, ...] = ()
    gaps: tuple[GapDocument, ...] = ()
    evidence: tuple[EvidenceDocument, ...] = ()


class PaperDocuments(Document):
    """For DocumentReading."""

    topics: tuple[str, ...] = ()
    title: str = ""
    text: str


class ReadPaper(Document):
    """What several models agreed on in a business document."""

    title: str = ""
    risk: str | None = None
    risk_quote: str = ""
    disputed: tuple[str, ...] = ()


class PaperTotals(Document):
    """The counts over all business documents."""

    documents: int
    agreed: int
    disputed: int
    unread: int


class PapersResults(Document):
    """For DocumentsSummary: read documents by id, `all documents` besides, and who is missing."""

    results: dict[str, PaperTotals | ReadPaper]


class PieceLimits(Document):
    """How many parts a piece may have, and how long each."""

    least: int
    most: int
    characters: int


class PieceDocuments(Document):
    """For PieceDraft."""

    piece: str
    topic: str
    facts: tuple[str, ...]
    limits: PieceLimits
    wrong: str = ""


class EditDocuments(Document):
    """For ConsistencyEdit: the parts of each piece by its name."""

    facts: tuple[str, ...]
    pieces: dict[str, tuple[str, ...]]


class RemarkDocument(Document):
    """One remark of a customer."""

    id: str
    text: str


class RemarksDocuments(Document):
    """For Tones."""

    items: tuple[RemarkDocument, ...]


def block(user: str) -> str | None:
    """Give the JSON between the marks of documents or results, if there is exactly one block."""
    found = [text for _, text in _BLOCK.findall(user)]
    return found[0] if len(found) == 1 else None
    """Give the JSON between the document marks, if there is exactly one such block."""
    found = _BLOCK.findall(user)
    return found[0][1] if len(found) == 1 else None


def read(kind: type[Document], user: str) -> Document | str:
    """Read a prompt's documents as `kind`, or say why they cannot be read."""
    text = block(user)
    if text is None:
        return "no block of documents"
    try:
        return kind.model_validate_json(text)
    except ValidationError as wrong:
        where = sorted({".".join(map(str, error["loc"])) for error in wrong.errors()})
        return f"documents do not fit {kind.__name__}: {', '.join(where)}"
