"""Plausible mistakes of models: each changes a right answer into a wrong one that still fits.

A record has one or several; which one is made is drawn by the caller.
"""

from collections.abc import Callable

from pydantic import BaseModel

from workflows.data.aggregate import BranchClaim
from workflows.data.content_generation import ConsistencyEdit, Objection, PieceDraft
from workflows.data.content_production import ContentDraft, Section
from workflows.data.document_analysis import (
    DocumentReading,
    DocumentsSummary,
    Passage,
    Risk,
    Sentiment,
)
from workflows.data.due_diligence import CaseOutcome, Claim, Synthesis
from workflows.data.email_triage import DraftedAnswer
from workflows.data.media import Stage
from workflows.data.readings import (
    CreditReading,
    Discrepancy,
    HitReading,
    IdentityReading,
    MediaReading,
    ReferenceReading,
)
from workflows.data.sentiment import Tones
from workflows.data.support import RequestReading, RequestType, SupportAnswer

UNKNOWN_CITATION = "e99"
"""An evidence id that no case has: cases number theirs upwards from 1."""


def _changed(reading: BaseModel, **fields: object) -> BaseModel:
    return reading.model_copy(update=fields)


def _unsure(reading: BaseModel) -> BaseModel:
    sure = getattr(reading, "confidence", 1.0)
    return _changed(reading, confidence=0.35 if sure > 0.4 else 0.1)


def _overlook(reading: BaseModel) -> BaseModel:
    """Miss the first discrepancy; where there is none, see one that is not there."""
    assert isinstance(reading, IdentityReading)  # noqa: S101  # narrows for the type checker
    imagined = (Discrepancy(field="name", first="as on the form", second="written otherwise"),)
    return _changed(reading, discrepancies=reading.discrepancies[1:] or imagined)


def _doubt(reading: BaseModel) -> BaseModel:
    doubtful = getattr(reading, "same_entity", "") == "unclear"
    return _changed(reading, same_entity="yes" if doubtful else "unclear")


def _wrong_level(reading: BaseModel) -> BaseModel:
    other = {"none": "watch", "watch": "none", "distress": "watch", "unknown": "none"}
    return _changed(reading, level=other[getattr(reading, "level", "none")])


def _wrong_country(reading: BaseModel) -> BaseModel:
    other = {"agree": "unknown", "conflict": "unknown", "unknown": "conflict"}
    return _changed(reading, country=other[getattr(reading, "country", "unknown")])


def _wrong_name(reading: BaseModel) -> BaseModel:
    other = {"agree": "unknown", "conflict": "unknown", "unknown": "agree"}
    return _changed(reading, name=other[getattr(reading, "name", "unknown")])


def _inconclusive(reading: BaseModel) -> BaseModel:
    if getattr(reading, "conclusive", False):
        return _changed(reading, conclusive=False, favourable=False, days_beyond_terms=None)
    return _changed(reading, conclusive=True, favourable=True, days_beyond_terms=0)


def _miscount(reading: BaseModel) -> BaseModel:
    days = getattr(reading, "days_beyond_terms", None)
    return _changed(reading, days_beyond_terms=30 if days is None else days + 10)


def _misquote(reading: BaseModel) -> BaseModel:
    """Quote in words of its own."""
    return _changed(reading, quote=f"In short: {getattr(reading, 'quote', '')}")


def _other_stage(reading: BaseModel) -> BaseModel:
    accused = getattr(reading, "stage", None) is Stage.ALLEGATION
    return _changed(reading, stage=Stage.CHARGE if accused else Stage.ALLEGATION)


def _invent(reading: BaseModel) -> BaseModel:
    assert isinstance(reading, Synthesis)  # noqa: S101  # narrows for the type checker
    invented = Claim(
        text="An earlier review of this customer raised no concern.", cites=(UNKNOWN_CITATION,)
    )
    return _changed(reading, claims=(*reading.claims, invented))


def _misstate(reading: BaseModel) -> BaseModel:
    """State a figure that nothing cited holds."""
    assert isinstance(reading, Synthesis)  # noqa: S101  # narrows for the type checker
    cites = reading.claims[0].cites if reading.claims else (UNKNOWN_CITATION,)
    wrong = Claim(text="Its last accounts show a loss of 7.31 million.", cites=cites)
    return _changed(reading, claims=(*reading.claims, wrong))


def _other_outcome(reading: BaseModel) -> BaseModel:
    refers = getattr(reading, "outcome", None) is CaseOutcome.REFER
    return _changed(reading, outcome=CaseOutcome.APPROVE if refers else CaseOutcome.REFER)


def _boast(reading: BaseModel) -> BaseModel:
    """Write a number that no fact holds."""
    assert isinstance(reading, ContentDraft)  # noqa: S101  # narrows for the type checker
    boast = Section(heading="In short", text="It pays for itself within 2.7 years.")
    return _changed(reading, sections=(*reading.sections, boast))


def _other_risk(reading: BaseModel) -> BaseModel:
    """See no risk; where there is none, see one in a sentence of its own making."""
    if getattr(reading, "risk", "low") != "low":
        return _changed(reading, risk=Risk.LOW, risk_quote="")
    return _changed(reading, risk=Risk.HIGH, risk_quote="This may lead to a claim against us.")


def _other_sentiment(reading: BaseModel) -> BaseModel:
    neutral = getattr(reading, "sentiment", "") == "neutral"
    return _changed(reading, sentiment=Sentiment.NEGATIVE if neutral else Sentiment.NEUTRAL)


def _miss_topic(reading: BaseModel) -> BaseModel:
    """Miss the first topic; where there is no other, see one that is not there."""
    imagined = (Passage(topic="delivery", quote="as agreed between us last year"),)
    return _changed(reading, topics=getattr(reading, "topics", ())[1:] or imagined)


def _cite_nobody(reading: BaseModel) -> BaseModel:
    """Claim something of a document that is not among them."""
    invented = BranchClaim(text="One supplier is insolvent.", cites=("letter-99",))
    return _changed(reading, claims=(*getattr(reading, "claims", ()), invented))


def _other_type(reading: BaseModel) -> BaseModel:
    fault = getattr(reading, "type", None) is RequestType.FAULT
    return _changed(reading, type=RequestType.QUESTION if fault else RequestType.FAULT)


def _cite_nothing(reading: BaseModel) -> BaseModel:
    """Answer out of thin air."""
    return _changed(reading, text="That cannot be changed.", cites=())


def _round_off(reading: BaseModel) -> BaseModel:
    """Tell a number nobody gave."""
    return _changed(reading, parts=(*getattr(reading, "parts", ()), "More than 9,999 agree."))


def _object_to_air(reading: BaseModel) -> BaseModel:
    """Object to words no piece says."""
    air = Objection(piece="post", quote="as nobody wrote", why="it contradicts the facts")
    return _changed(reading, objections=(*getattr(reading, "objections", ()), air))


def _forget_first(reading: BaseModel) -> BaseModel:
    """Leave out the first of the items asked about."""
    return _changed(reading, items=getattr(reading, "items", ())[1:])


def _promise(reading: BaseModel) -> BaseModel:
    """Promise a customer what nobody offered."""
    said = f"{getattr(reading, 'text', '')} We refund you 75 EUR within 24 hours."
    return _changed(reading, text=said)


Slip = Callable[[BaseModel], BaseModel]

SLIPS: dict[type[BaseModel], tuple[Slip, ...]] = {
    IdentityReading: (_overlook, _doubt, _unsure),
    CreditReading: (_wrong_level, _unsure),
    HitReading: (_wrong_country, _wrong_name, _unsure),
    MediaReading: (_misquote, _other_stage, _unsure),
    ReferenceReading: (_inconclusive, _miscount, _unsure),
    DocumentReading: (_other_risk, _other_sentiment, _miss_topic, _unsure),
    DocumentsSummary: (_cite_nobody,),
    PieceDraft: (_round_off,),
    Tones: (_forget_first,),
    ConsistencyEdit: (_object_to_air,),
    Synthesis: (_invent, _misstate, _other_outcome, _unsure),
    ContentDraft: (_boast,),
    RequestReading: (_other_type, _unsure),
    SupportAnswer: (_cite_nothing, _unsure),
    DraftedAnswer: (_promise,),
}


def slip(reading: BaseModel, draw: float) -> BaseModel:
    """Make the mistake that `draw` (0 to 1) picks; answers without a table stay right."""
    choices = SLIPS.get(type(reading), ())
    return choices[int(draw * len(choices))](reading) if choices else reading
