"""Due diligence: the walk up from the subject, company by company, source by source. Pure.

It says whom to ask next and takes what they answer; the step does the asking.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workflows.data.case_file import CaseFile, Party
from workflows.data.findings import Check
from workflows.data.identifiers import problem
from workflows.data.registers import (
    Holder,
    Holding,
    Interest,
    InterestKind,
    OwnersAnswer,
    ParentsAnswer,
)
from workflows.data.sources import CompanyAnswer, Identifier, LeiEntry, SourceAnswer, SourceState
from workflows.rules.dd.sheet import Sheet
from workflows.rules.ownership.effective import together
from workflows.rules.ownership.graph import Graph, without_titles

LEVELS = 10
"""Companies above each other that are asked about."""
COMPANIES = 60
"""Companies that are asked about in all."""
REGISTER, LEI = "GB-COH", "LEI"
"""Schemes whose register tells of owners, and whose index tells of parents."""
NOBODY = "no-individual-or-entity-with-sign"
"""How the statement begins that nobody has over 25 %; the register's own goes on `ficant`."""
WIDELY_HELD = "NO_KNOWN_PERSON"
ALL_NAMED = "all-beneficial-owners-identified"
"""What a register of overseas entities says where nothing is open. Any other statement is that
somebody with control was not found, not confirmed, or did not answer.
"""
_OPEN = frozenset({"NATURAL_PERSONS", "NON_CONSOLIDATING", "NO_LEI", WIDELY_HELD})
"""Reasons for naming no parent that hide nobody; any other keeps one secret."""


@dataclass(frozen=True)
class Question:
    """Ask the source of the identifier's scheme about a company."""

    company: str
    identifier: Identifier


class Walk:
    """What is known above the subject so far, and how it came to be known."""

    def __init__(self, case: CaseFile) -> None:
        self.case = case
        self.sheet = Sheet(Check.OWNERSHIP)
        self.graph = Graph()
        subject = case.subject
        plain = tuple(Identifier(scheme=i.scheme, value=i.value) for i in subject.identifiers)
        self.subject = self.graph.party(
            Holder(kind="company", name=subject.name, country=subject.country, identifiers=plain)
        )
        self.level: dict[str, int] = {self.subject: 0}
        self.beyond: dict[str, None] = {}
        self.failed: list[tuple[str, SourceAnswer]] = []
        self.cited: dict[str, list[str]] = {}
        """Party -> the evidence that names it."""
        self.ids: dict[str, str] = {}
        """Party -> the id it is screened under."""
        self.answered: SourceAnswer | None = None
        """The last source that answered."""
        self.names_holders = False
        """The register names holders of the subject."""
        self._asked: set[Identifier] = set()
        self._names: dict[str, int] = {}

    # ---- whom to ask -----------------------------------------------------------------------

    def questions(self) -> list[Question]:
        """Give what is to be asked now, each once; beyond the bounds companies stay unread."""
        found = []
        for company, level in list(self.level.items()):
            known = self.graph.parties[company].identifiers
            new = [i for i in known if i.scheme in (REGISTER, LEI) and i not in self._asked]
            if not new:
                continue
            if level >= LEVELS or len(self._companies()) >= COMPANIES:
                self.beyond[company] = None
                self.graph.unread.add(company)
                continue
            self._asked.update(new)
            found += [Question(company, i) for i in new]
        return found

    def _companies(self) -> set[str | None]:
        return {self.graph.find([i]) for i in self._asked}

    # ---- what they answer ------------------------------------------------------------------

    def take(
        self, question: Question, answer: OwnersAnswer | ParentsAnswer
    ) -> list[tuple[str, Party]]:
        """Take an answer; give the parties that are new, to be screened at once, with their keys
        for `ids`.
        """
        company = question.company
        if answer.state not in (SourceState.FOUND, SourceState.NONE):
            self.failed.append((company, answer))
            asked = {i.scheme for i in self.graph.parties[company].identifiers}
            if isinstance(answer, OwnersAnswer) or REGISTER not in asked:
                self.graph.unread.add(company)
            return []
        self.answered = answer
        if isinstance(answer, OwnersAnswer):
            holders = self._owners(company, question, answer)
        else:
            holders = self._parents(company, question, answer)
        return list(self._new(holders, company, answer))

    def listed(self, answer: CompanyAnswer) -> None:
        """Take the securities regulator's entry of a listed company: while it reports, large
        holders have to disclose themselves, and the law asks for no more (AMLR Art. 65).
        """
        entry = answer.company
        if answer.state not in (SourceState.FOUND, SourceState.NONE):
            self.failed.append((self.subject, answer))
            self.graph.unread.add(self.subject)
        elif entry is not None and entry.status == "active":
            self.answered = answer
            self._cite(answer, entry.number, "listed and reporting, so large holders disclose", ())
            self.graph.widely_held.add(self.subject)

    def _owners(self, company: str, question: Question, answer: OwnersAnswer) -> list[str]:
        now = [h for h in answer.holdings if h.ceased is None and h.interests]
        held = [self.graph.add(company, h.holder, h.interests) for h in now]
        names_nobody = any(s.startswith(NOBODY) for s in answer.statements)
        open_ = [s for s in answer.statements if not s.startswith((NOBODY, ALL_NAMED))]
        held += [self.graph.add(company, *_not_named(statement)) for statement in open_]
        if not held and (answer.exempt or names_nobody):
            self.graph.widely_held.add(company)
        self._doubts(company, answer, contradicted=bool(now) and names_nobody)
        self.names_holders |= company == self.subject and bool(now)
        said = [_told(h) for h in now] or ["nobody is named"]
        if answer.exempt:
            said.append("exempt from naming anybody, being listed")
        excerpt = "; ".join([*said, *answer.statements])
        self._cite(answer, question.identifier.value, excerpt, held)
        return held

    def _doubts(self, company: str, answer: OwnersAnswer, *, contradicted: bool) -> None:
        name = self.graph.parties[company].name
        if contradicted:
            self.sheet.gap(f"owners of {name}: the register names some, and says there are none")
        if answer.unread:
            self.sheet.gap(f"owners of {name}: {answer.unread} controllers were not read, too many")

    def _parents(self, company: str, question: Question, answer: ParentsAnswer) -> list[str]:
        held, said = [], []
        for word, entry, ultimate in (
            ("direct", answer.direct, False),
            ("ultimate", answer.ultimate, True),
        ):
            if entry is None or entry.lei == question.identifier.value:
                continue
            interest = Interest(kind=InterestKind.CONSOLIDATION, ultimate=ultimate)
            held.append(self.graph.add(company, _as_holder(entry), [interest]))
            said.append(f"{word} parent {entry.name} ({entry.country}, {entry.lei})")
        for reason in dict.fromkeys((answer.direct_exception, answer.ultimate_exception)):
            if reason:
                said.append(f"names no parent: {reason}")
            if reason and reason not in _OPEN:
                secret = Holder(kind="unknown", name=f"a parent kept secret ({reason})")
                interest = Interest(kind=InterestKind.CONSOLIDATION)
                held.append(self.graph.add(company, secret, [interest]))
        if self._is_widely_held(company, answer):
            self.graph.widely_held.add(company)
        excerpt = "; ".join(said) or "neither a parent nor a reason for naming none"
        self._cite(answer, question.identifier.value, excerpt, held)
        return held

    def _is_widely_held(self, company: str, answer: ParentsAnswer) -> bool:
        """Without a register, a listed subject that names no parent because nobody has control."""
        registers = {i.scheme for i in self.graph.parties[company].identifiers}
        return (
            company == self.subject
            and self.case.subject.listed
            and REGISTER not in registers
            and answer.direct_exception == WIDELY_HELD
        )

    def _cite(self, answer: SourceAnswer, record: str, excerpt: str, held: Iterable[str]) -> None:
        seen = self.sheet.note(answer, record, excerpt)
        for party in held:
            self.cited.setdefault(party, []).append(seen)

    # ---- who is new ------------------------------------------------------------------------

    def _new(
        self, held: Iterable[str], company: str, answer: SourceAnswer
    ) -> Iterator[tuple[str, Party]]:
        kind = "owner" if isinstance(answer, OwnersAnswer) else "parent"
        for party in dict.fromkeys(held):
            holder = self.graph.parties[party]
            if party in self.level or party == self.subject:
                continue
            self.level[party] = self.level[company] + 1
            if holder.kind == "unknown":
                continue
            self._names[kind] = self._names.get(kind, 0) + 1
            yield party, _as_party(holder, f"{kind}-{self._names[kind]}")

    def owned_by(self, party_ids: frozenset[str]) -> tuple[float, float]:
        """Say what these parties own of the subject together: at least and at most, in per cent."""
        listed = [party for party, given in self.ids.items() if given in party_ids]
        band = together(self.graph, self.subject, listed).band
        return band.low, band.high


def _not_named(statement: str) -> tuple[Holder, list[Interest]]:
    """Stand for somebody with control whom the register cannot name."""
    words = statement.replace("-", " ")
    holder = Holder(kind="unknown", name=f"somebody the register does not name ({words})")
    return holder, [Interest(kind=InterestKind.INFLUENCE)]


def _as_holder(entry: LeiEntry) -> Holder:
    identifiers = [Identifier(scheme=LEI, value=entry.lei)]
    if entry.country == "GB" and problem(REGISTER, entry.registered_as) is None:
        identifiers.append(Identifier(scheme=REGISTER, value=entry.registered_as))
    return Holder(
        kind="company", name=entry.name, country=entry.country, identifiers=tuple(identifiers)
    )


def _as_party(holder: Holder, party_id: str) -> Party:
    person = holder.kind == "person"
    return Party(
        party_id=party_id,
        kind="Person" if person else "Company",
        name=(without_titles(holder.name) if person else holder.name)[:300].strip(),
        role="owner",
        birth=holder.birth[:7] if person else "",
        country=holder.country or None,
        nationality=holder.nationality,
        identifiers=holder.identifiers,
    )


def _told(holding: Holding) -> str:
    bands = []
    for i in holding.interests:
        band = "" if i.min_pct is None else f" {i.min_pct:g}-{i.max_pct or 100:g} %"
        bands.append(f"{i.kind}{band}{' as trustee' if i.trust else ''}")
    return f"{holding.holder.name}: {', '.join(bands)}"
