"""Document analysis: what readings agree on, to the letter of the document. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from workflows.data.aggregate import Ballot, Votes
from workflows.data.common import CostView
from workflows.data.document_analysis import (
    LISTED,
    BusinessDocument,
    DocumentReading,
    DocumentsSummary,
    DocumentVerdict,
    Kind,
    Risk,
    Sentiment,
    TopicFound,
    Totals,
    Unread,
)
from workflows.errors import AggregateFailed, reason
from workflows.patterns.aggregate import Vote
from workflows.patterns.outcome import Joined, Outcome

AGREE = 2
"""So many models must say the same, however few there are: one model's word is no agreement."""
WHOLE = "all documents"
"""Under this name the totals stand among the documents of the summary."""
SHORTEST = 3
"""Words a quote has at least: fewer stand in any document."""

Choice = Callable[[DocumentReading], StrEnum | None]
FIELDS: dict[str, tuple[type[StrEnum], Choice]] = {
    "kind": (Kind, lambda r: r.kind),
    "risk": (Risk, lambda r: r.risk),
    "sentiment": (Sentiment, lambda r: r.sentiment),
}


# ---- one document ----------------------------------------------------------------------------


def verdict(
    document: BusinessDocument, text: str, topics: Sequence[str], joined: Joined, cost: CostView
) -> DocumentVerdict:
    """Count what the models of one document said, once it is held against the text.

    A risk above low without its sentence abstains; what at least two models found counts.
    """
    readings: dict[str, DocumentReading] = joined.values
    dropped = [
        f"{name}: {what}" for name, r in readings.items() for what in _false(r, text, topics)
    ]
    ballots = {field: _ballot(field, joined, text) for field in FIELDS}
    disputed = tuple(field for field, ballot in ballots.items() if ballot.winner is None)
    risk = ballots["risk"].winner
    quotes = [r.risk_quote for r in readings.values() if r.risk is risk and risk is not Risk.LOW]
    readers = len(joined.branches)
    return DocumentVerdict.model_validate(
        {
            "id": document.id,
            "title": document.title,
            **{field: ballot.winner for field, ballot in ballots.items()},
            "risk_quote": next((_line(q) for q in quotes if stands(q, text)), ""),
            "topics": _topics(readings.values(), text, topics),
            "parties": _parties(readings.values(), text),
            "disputed": disputed,
            "agreement": min(_behind(ballot) for ballot in ballots.values()) / readers,
            "votes": {f: {str(v.choice): v.count for v in b.votes} for f, b in ballots.items()},
            "missing": {
                name: reason(o.error) if o.error else o.status
                for name, o in joined.branches.items()
                if not o.is_success
            },
            "dropped": dropped,
            "cost": cost,
        }
    )


def stands(quote: str, text: str) -> bool:
    """Say whether a quote of three words or more stands in a text, spaces aside."""
    return len(quote.split()) >= SHORTEST and _line(quote) in _line(text)


def _ballot(field: str, joined: Joined, text: str) -> Ballot[Any]:
    choices, said = FIELDS[field]

    def choice(reading: DocumentReading) -> StrEnum | None:
        if field == "risk" and not _borne_out(reading, text):
            return None
        return said(reading)

    voters = tuple(joined.branches)
    needed = max(AGREE, len(voters) // 2 + 1)
    if needed > len(voters):
        votes = _alone(choices, choice, joined)
        return Ballot(winner=None, votes=votes, cast=len(votes), needed=needed, quorum=1)
    return Vote(voters, choices=tuple(choices), choice=choice, needed=needed)(joined).value


def _alone(choices: type[StrEnum], choice: Choice, joined: Joined) -> tuple[Votes[Any], ...]:
    """Give the votes where there are too few models for any to win."""
    said = {name: choice(reading) for name, reading in joined.values.items()}
    return tuple(
        Votes(choice=c, count=len(voters), voters=voters)
        for c in choices
        if (voters := tuple(name for name, one in said.items() if one is c))
    )


def _behind(ballot: Ballot[Any]) -> int:
    return ballot.votes[0].count if ballot.winner is not None else 0


def _borne_out(reading: DocumentReading, text: str) -> bool:
    return reading.risk is Risk.LOW or stands(reading.risk_quote, text)


def _false(reading: DocumentReading, text: str, topics: Sequence[str]) -> list[str]:
    """Say what of a reading does not stand in the document, or was not asked."""
    wrong = []
    if not _borne_out(reading, text):
        wrong.append(f"risk {reading.risk}, its sentence does not stand there")
    for passage in reading.topics:
        if passage.topic not in topics:
            wrong.append(f"topic {passage.topic!r} was not asked")
        elif not stands(passage.quote, text):
            wrong.append(f"topic {passage.topic!r}, its sentence does not stand there")
    return wrong + [f"party {p!r} is not named there" for p in reading.parties if not _in(p, text)]


def _topics(
    readings: Iterable[DocumentReading], text: str, topics: Sequence[str]
) -> tuple[TopicFound, ...]:
    quotes: dict[str, list[str]] = {topic: [] for topic in topics}
    for reading in readings:
        found = {p.topic: p.quote for p in reversed(reading.topics) if stands(p.quote, text)}
        for topic in found.keys() & quotes.keys():
            quotes[topic].append(found[topic])
    return tuple(
        TopicFound(topic=topic, quote=_line(found[0]), models=len(found))
        for topic, found in quotes.items()
        if len(found) >= AGREE
    )


def _parties(readings: Iterable[DocumentReading], text: str) -> tuple[str, ...]:
    """Give the parties at least two models name, as the first of them writes each."""
    written: dict[str, str] = {}
    count = Counter[str]()
    for reading in readings:
        named = {_folded(p): p for p in reading.parties if _in(p, text)}
        count.update(named.keys())
        written = named | written
    return tuple(sorted(written[folded] for folded, times in count.items() if times >= AGREE))


def _in(party: str, text: str) -> bool:
    return bool(party.strip()) and _folded(party) in _folded(text)


def _folded(text: str) -> str:
    return _line(text).casefold()


def _line(text: str) -> str:
    return " ".join(text.split())


# ---- all documents ---------------------------------------------------------------------------


class Tally:
    """Adds up verdicts one by one, and keeps those most worth a look, `keep` of them at most."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._counts = {field: Counter[str]() for field in (*FIELDS, "topic")}
        self._agreed = self._disputed = 0
        self._kept: dict[str, DocumentVerdict] = {}
        self.unread: list[Unread] = []
        self.more_unread = 0

    def add(self, found: DocumentVerdict) -> None:
        """Count a verdict."""
        self._disputed += bool(found.disputed)
        self._agreed += not found.disputed
        for field in FIELDS:
            if (won := getattr(found, field)) is not None:
                self._counts[field][str(won)] += 1
        self._counts["topic"].update(t.topic for t in found.topics)
        self._kept[found.id] = found
        if len(self._kept) > 2 * self._keep:
            self._kept = {v.id: v for v in self.documents}

    def missed(self, document: str, why: str) -> None:
        """Count a document nobody has read."""
        self.unread.append(Unread(id=document, why=why))

    def hold_to(self, tolerate: float) -> None:
        """Raise AggregateFailed if a larger share of the documents than that stayed unread.

        That is no accident: the case is driven again later, and what was paid for is read back.
        """
        totals = self.totals
        if totals.unread > tolerate * totals.documents:
            why = next((f"; {lost.id}: {lost.why}" for lost in self.unread), "")
            raise AggregateFailed(
                f"{totals.unread} of {totals.documents} documents are unread, more than"
                f" `tolerate` ({tolerate:.0%}) allows; drive the case again once the cause is"
                f" mended{why}"
            )

    @property
    def documents(self) -> tuple[DocumentVerdict, ...]:
        """The verdicts kept, by risk, disputed ones before those all agree on."""
        return tuple(sorted(self._kept.values(), key=_weight)[: self._keep])

    @property
    def totals(self) -> Totals:
        """The counts by now."""
        unread = len(self.unread) + self.more_unread
        counted = {f"by_{f}": dict(sorted(c.items())) for f, c in self._counts.items()}
        return Totals(
            documents=self._agreed + self._disputed + unread,
            agreed=self._agreed,
            disputed=self._disputed,
            unread=unread,
            **counted,
        )

    def results(self) -> dict[str, Outcome[Any]]:
        """Give the summary's material: the totals, the documents kept, and those unread."""
        found = {WHOLE: Outcome[Any](WHOLE, "succeeded", self.totals)}
        for one in self.documents:
            told = one.model_dump(mode="json", exclude={"cost", "votes", "dropped", "missing"})
            found[one.id] = Outcome(one.id, "partial" if one.disputed else "succeeded", told)
        for lost in self.unread[:LISTED]:
            found[lost.id] = Outcome(lost.id, "failed")
        return found


_GRAVE = {Risk.HIGH: 0, None: 1, Risk.MEDIUM: 2, Risk.LOW: 3}


def _weight(found: DocumentVerdict) -> tuple[int, bool, str]:
    return _GRAVE[found.risk], not found.disputed, found.id


def summary_by_code(values: Mapping[str, Any]) -> DocumentsSummary:
    """Summarise by the totals alone, where no model answers."""
    totals: Totals = values[WHOLE]
    return DocumentsSummary(
        headline=f"{totals.documents} documents: {totals.agreed} agreed on, {totals.disputed}"
        f" disputed, {totals.unread} unread; high risk: {totals.by_risk.get('high', 0)}"
    )
