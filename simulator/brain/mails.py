"""How a simulated model reads, answers and checks mails, by plain words and on its own lights."""

import re

from simulator.brain.documents import Document
from workflows.data.email_triage import (
    Category,
    DraftCheck,
    DraftClaim,
    DraftedAnswer,
    FactCheck,
    PointsReading,
    Sentiment,
    ToneReading,
    Urgency,
    UrgencyReading,
)

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_NUMBER = re.compile(r"\d[\d.,:-]*\d|\d")
_WORD = re.compile(r"[a-z0-9]{4,}")
CATEGORIES = (
    (Category.COMPLAINT, r"complain|unacceptable|rude|disappoint|apolog"),
    (Category.BILLING, r"invoice|billed|charged|refund|payment"),
    (Category.PROBLEM, r"down\b|broken|error|does not work|fails|outage|cannot"),
    (Category.QUESTION, r"\?|could you|how do"),
)
_ANGRY = r"unacceptable|disappoint|angry|furious|rude|third time|down\b|losing"
_GLAD = r"thank you|thanks|great|love|happy"
_URGENT = (
    r"\bdown\b|losing|cannot (?:work|ship|operate|log)|today|tonight|within the hour|leak|deadline"
)
_IDLE = r"no hurry|no reply needed|just wanted|for your information"
_HAZY = r"^.{0,40}$|see attach"
"""A mail that says next to nothing."""


class _Mail(Document):
    subject: str = ""
    text: str = ""


class MailDocuments(Document):
    """For the three readings."""

    mail: _Mail


class AnswerDocuments(MailDocuments):
    """For DraftedAnswer, DraftCheck and FactCheck."""

    facts: tuple[str, ...] = ()
    draft: str = ""
    objections: str = ""


def _told(documents: MailDocuments) -> str:
    return f"{documents.mail.subject}\n{documents.mail.text}".lower()


def tone(documents: MailDocuments) -> ToneReading:
    """Judge by words of anger and of joy."""
    told = _told(documents)
    category = next((c for c, words in CATEGORIES if re.search(words, told)), Category.OTHER)
    angry, glad = re.search(_ANGRY, told), re.search(_GLAD, told)
    sentiment = Sentiment.NEGATIVE if angry else Sentiment.POSITIVE if glad else Sentiment.NEUTRAL
    return ToneReading(sentiment=sentiment, category=category, confidence=0.9)


def points(documents: MailDocuments) -> PointsReading:
    """Take the first sentences that are no courtesies."""
    said = [s.strip() for s in _SENTENCE.split(" ".join(documents.mail.text.split()))]
    return PointsReading(points=tuple(s[:300] for s in said if len(s) > 25)[:6], confidence=0.9)


def urgency(documents: MailDocuments) -> UrgencyReading:
    """Look for harm that goes on and for dates that are near."""
    told = _told(documents)
    if re.search(_HAZY, documents.mail.text.strip().lower(), re.DOTALL):
        return UrgencyReading(
            urgency=Urgency.UNKNOWN, why="It hardly says anything.", confidence=0.4
        )
    if found := re.search(_URGENT, told):
        return UrgencyReading(urgency=Urgency.URGENT, why=f"It says {found[0]!r}.", confidence=0.9)
    if re.search(_IDLE, told):
        return UrgencyReading(urgency=Urgency.LOW, why="Nothing is asked for.", confidence=0.9)
    return UrgencyReading(urgency=Urgency.NORMAL, why="No harm goes on.", confidence=0.85)


def answer(documents: AnswerDocuments) -> DraftedAnswer:
    """Say the facts that share words with the mail; mended, without what was objected to."""
    if documents.draft and documents.objections:
        kept = [s for s in _SENTENCE.split(documents.draft) if _known(s, documents)]
        return DraftedAnswer(text=" ".join(kept) or "Thank you for writing. A colleague will look.")
    words = set(_WORD.findall(_told(documents)))
    fitting = [f for f in documents.facts if words & set(_WORD.findall(f.lower()))]
    said = ["Thank you for writing to us.", *fitting[:3], "A colleague looks at it now."]
    return DraftedAnswer(text=" ".join(said))


def check(documents: AnswerDocuments) -> DraftCheck:
    """Find each sentence of the draft that is no courtesy in the mail or the facts."""
    claims = []
    for sentence in _SENTENCE.split(documents.draft):
        if re.match(r"(Thank you|A colleague|Kind|We are sorry)", sentence):
            continue
        known = _known(sentence, documents)
        why = "" if known else "Neither the mail nor the facts say so."
        claims.append(DraftClaim(text=sentence, supported=known, why=why))
    return DraftCheck(claims=tuple(claims))


def facts(documents: AnswerDocuments) -> FactCheck:
    """Find each sentence of the mail that asks nothing in the facts."""
    claims = []
    for sentence in _SENTENCE.split(" ".join(documents.mail.text.split())):
        if len(sentence) > 25 and not sentence.endswith("?"):
            known = _stands(sentence, " ".join(documents.facts).lower())
            why = "" if known else "The facts do not say so."
            claims.append(DraftClaim(text=sentence, supported=known, why=why))
    return FactCheck(claims=tuple(claims))


def _known(sentence: str, documents: AnswerDocuments) -> bool:
    """Say whether a sentence is a courtesy, or stands in the mail or the facts."""
    given = f"{_told(documents)} {' '.join(documents.facts)}".lower()
    courtesy = re.match(r"(Thank you|A colleague|Kind|We are sorry)", sentence)
    return bool(courtesy) or _stands(sentence, given)


def _stands(sentence: str, given: str) -> bool:
    """Say whether the figures, and most words, of a sentence stand in what is given."""
    words = _WORD.findall(sentence.lower())
    there = sum(w in given for w in words)
    return all(n in given for n in _NUMBER.findall(sentence)) and there * 10 >= 8 * len(words)
