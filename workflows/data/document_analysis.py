"""Records of document analysis: documents, what a model reads in one, what the votes came to."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.aggregate import Aggregated, Cited
from workflows.data.case_policy import ModelPolicy
from workflows.data.common import CaseId, CostView, Record
from workflows.data.documents import Document
from workflows.data.findings import Share
from workflows.data.llm import RoleChain
from workflows.data.spread import SpreadRef, SpreadResult

DocumentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Topic = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z -]{1,39}$")]
"""A subject the case asks about, in lower-case words."""
LONGEST = 400_000
"""Characters of a document."""
LISTED = 50
"""Documents, or failed ones, that a result names one by one where there are very many."""


class Kind(StrEnum):
    """What a business document is."""

    CONTRACT = "contract"
    INVOICE = "invoice"
    COMPLAINT = "complaint"
    REPORT = "report"
    LETTER = "letter"
    OTHER = "other"


class Risk(StrEnum):
    """How much harm to the business a document speaks of."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Sentiment(StrEnum):
    """How its writer feels about us."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class BusinessDocument(Record):
    """One document: its `text`, or where the text is `kept` (a reference of KEEP_DOCUMENT)."""

    id: DocumentId
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] | None = None
    kept: Document | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.kept is None):
            raise ValueError("text: a document has either a text or `kept`; give one of them")
        return self


class AnalysisCase(Record):
    """The case file. Each document is read by every model of the role `readers` names.

    `at_once` documents are in work at a time; from `spread_from` documents on they are spread over
    child workflows. `patience` bounds the reading of one document. The case fails if a larger
    share of the documents than `tolerate` stays unread. `redrive` names an earlier run of the same
    documents, of which only what failed is done again.
    """

    case: CaseId
    topics: Annotated[tuple[Topic, ...], Field(min_length=1, max_length=20)]
    documents: Annotated[tuple[BusinessDocument, ...], Field(min_length=1)]
    readers: str = "analyst"
    at_once: Annotated[int, Field(ge=1, le=500)] = 10
    spread_from: Annotated[int, Field(ge=1, le=200)] = 50
    patience: timedelta = timedelta(minutes=10)
    tolerate: Share = 0.2
    models: ModelPolicy = ModelPolicy()
    redrive: SpreadRef | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        seen: dict[str, int] = {}
        for place, document in enumerate(self.documents):
            if document.id in seen:
                raise ValueError(
                    f"documents[{place}].id: {document.id!r} stands there twice (also"
                    f" documents[{seen[document.id]}]); give each an id of its own"
                )
            seen[document.id] = place
        if self.patience <= timedelta(0):
            raise ValueError("patience: nobody can read in no time; write a length, as PT10M")
        return self


# ---- what a model reads ----------------------------------------------------------------------


class Passage(Record):
    """A sentence of the document that speaks of a topic, word for word."""

    topic: str
    quote: str


class DocumentReading(Record):
    """A model's reading of one document. `risk_quote` is the sentence its risk rests on, word for
    word, empty for a low one.
    """

    kind: Kind
    risk: Risk
    risk_quote: str
    sentiment: Sentiment
    topics: tuple[Passage, ...]
    parties: tuple[str, ...]
    confidence: Share


class DocumentsSummary(Cited):
    """A model's summary; each claim cites ids of documents, or `all documents` for the totals."""

    headline: str


# ---- what came of it -------------------------------------------------------------------------


class ReadingOrder(Record):
    """Asks for one document to be read by each model of `readers`; `budget` pays, if named."""

    document: BusinessDocument
    topics: tuple[Topic, ...]
    readers: RoleChain
    patience: timedelta
    budget: str = ""


class TopicFound(Record):
    """A topic that at least two models found, with a sentence that stands in the document."""

    topic: str
    quote: str
    models: int


class DocumentVerdict(Record):
    """What the models of one document agree on; a field without a majority is None and `disputed`.

    `votes` are those by field, `agreement` the smallest share of all readers behind a winner (0
    for a disputed field). `missing` names the models without an answer and why, `dropped` what a
    model said that does not stand in the document.
    """

    id: DocumentId
    title: str = ""
    kind: Kind | None
    risk: Risk | None
    risk_quote: str = ""
    sentiment: Sentiment | None
    topics: tuple[TopicFound, ...] = ()
    parties: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()
    agreement: Share
    votes: dict[str, dict[str, int]]
    missing: dict[str, str] = Field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    cost: CostView = CostView()


class Unread(Record):
    """A document no model has read, and why."""

    id: str
    why: str


class Totals(Record):
    """Documents counted: by what the models agreed on, disputed ones and unread ones besides."""

    documents: int = 0
    agreed: int = 0
    disputed: int = 0
    unread: int = 0
    by_kind: dict[str, int] = Field(default_factory=dict)
    by_risk: dict[str, int] = Field(default_factory=dict)
    by_sentiment: dict[str, int] = Field(default_factory=dict)
    by_topic: dict[str, int] = Field(default_factory=dict)


class AnalysisSoFar(Record):
    """What is known while documents are read; of a spread ask the query `progress` of its own."""

    totals: Totals
    documents: tuple[DocumentVerdict, ...] = ()
    unread: tuple[Unread, ...] = ()


class AnalysisResult(Record):
    """How the analysis ended. Of very many `documents` only those most worth a look stand here;
    all are in the store, under `spread.ref`. `summary` says which documents it does not rest on.
    """

    case: CaseId
    totals: Totals
    documents: tuple[DocumentVerdict, ...]
    unread: tuple[Unread, ...]
    summary: Aggregated[DocumentsSummary]
    spread: SpreadResult | None = None
    cost: CostView
