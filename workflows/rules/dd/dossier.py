"""Due diligence: Is everything there that the law of the customer's country asks for? Pure.

The last check: it judges what the others came to. A pack is a reading of one body of law, by its
version; where none is made for a country the strictest of them counts.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from workflows.data.case_file import CaseFile, Party
from workflows.data.findings import SUBJECT, Check, CheckOutcome, CheckResult, Evidence, FindingCode
from workflows.data.sources import Liveness
from workflows.rules.dd.references import contradiction
from workflows.rules.dd.sheet import Sheet

OLDEST = timedelta(days=30)
"""House policy: what was looked at longer ago does not say how things stand."""
TO_REGISTER = timedelta(days=14)
"""AMLR Art. 24: a discrepancy with the register is reported within 14 days."""


@dataclass(frozen=True)
class Filed:
    """What is on file when the check runs: the case, its parties, and all results so far."""

    case: CaseFile
    parties: Sequence[Party]
    checks: Sequence[CheckResult]
    now: datetime

    def of(self, check: Check, party: str = SUBJECT) -> CheckResult | None:
        """Give a check of the subject or of a party, None if it was not made."""
        return self._index.get((check, party))

    @cached_property
    def _index(self) -> dict[tuple[Check, str], CheckResult]:
        return {(c.check, c.party_id): c for c in self.checks}

    @cached_property
    def persons(self) -> list[Party]:
        """The natural persons among the parties."""
        return [p for p in self.parties if p.kind == "Person"]


Ask = Callable[[Filed], str]
"""Says what is missing, in words; empty if nothing is."""


@dataclass(frozen=True)
class Item:
    """One thing the law asks for, and where it does."""

    name: str
    law: str
    missing: Ask


def open_points(filed: Filed, check: Check, party: str = SUBJECT) -> str:
    """Say that a check was not made, or which of its points are open."""
    found = filed.of(check, party)
    if found is None:
        return "not looked at"
    if found.gaps:
        return "open: " + ", ".join(g.id for g in found.gaps[:5])
    if found.outcome in (CheckOutcome.UNAVAILABLE, CheckOutcome.INCONCLUSIVE):
        return str(found.outcome)
    return ""


def _record(filed: Filed) -> str:
    found = filed.of(Check.EXISTENCE)
    if found is None or not found.evidence:
        return "no record of a register or of the LEI system"
    return ""


def _place(filed: Filed) -> str:
    return "" if filed.case.subject.postcode else "the case file names none"


def _owners(filed: Filed) -> str:
    """Ask nothing of listed companies, as all three laws do: their exchange makes them disclose."""
    return "" if filed.case.subject.listed else open_points(filed, Check.OWNERSHIP)


def _board(filed: Filed) -> str:
    if filed.case.subject.listed or any(p.role == "director" for p in filed.parties):
        return ""
    found = filed.of(Check.BACKGROUND)
    return "" if found and found.evidence else "nobody is named, and no register told of any"


def _screened(filed: Filed) -> str:
    return _each(filed, Check.SANCTIONS, [SUBJECT, *(p.party_id for p in filed.parties)])


def _exposed(filed: Filed) -> str:
    return _each(filed, Check.PEP, [p.party_id for p in filed.persons])


def _each(filed: Filed, check: Check, parties: Sequence[str]) -> str:
    told = [(p, open_points(filed, check, p)) for p in parties]
    wrong = [f"{p} {why}" for p, why in told if why]
    more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    return "; ".join(wrong[:5]) + more


def _births(filed: Filed) -> str:
    return _without(p.party_id for p in filed.persons if not (p.birth_date or p.birth))


def _nationalities(filed: Filed) -> str:
    return _without(p.party_id for p in filed.persons if not (p.nationality or p.country))


def _without(parties: Iterator[str]) -> str:
    named = list(parties)
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return f"not known of {', '.join(named[:5])}{more}" if named else ""


def _fresh(filed: Filed) -> str:
    """Ask how old the answers are. Lists at hand are judged by the checks that use them."""
    asked = [e for c in filed.checks for e in c.evidence if e.liveness is not Liveness.CACHED]
    old = [e.id for e in asked if filed.now - e.retrieved_at > OLDEST]
    return f"older than {OLDEST.days} days: {', '.join(old[:5])}" if old else ""


def _resolved(filed: Filed) -> str:
    differ = [
        f.id
        for c in filed.checks
        for f in c.findings
        if f.code is FindingCode.IDENTITY_CONFLICT and f.disposition is None
    ]
    if not differ:
        return ""
    due = (filed.now + TO_REGISTER).date()
    return f"{', '.join(differ[:5])}; if the register is wrong, report it to it by {due}"


@dataclass(frozen=True)
class Pack:
    """What one body of law asks for."""

    name: str
    items: tuple[Item, ...]


def _pack(name: str, laws: Sequence[str], *more: Item) -> Pack:
    """Make a pack of what all ask for, with where each law does, and of what one asks besides."""
    asked = (
        ("name, number and legal form", _record),
        ("registered office or place of business", _place),
        ("beneficial owners and control", _owners),
        ("sanctions screening of all parties", _screened),
        ("political exposure of all persons", _exposed),
        ("discrepancies resolved", _resolved),
        ("recent evidence", _fresh),
    )
    both = zip(asked, laws, strict=True)
    return Pack(name, (*(Item(n, law, missing) for (n, missing), law in both), *more))


UK = _pack(
    "uk-mlr-2017",
    ("reg. 28(3)(a)", "reg. 28(3)(a)", "reg. 28(4)", "SAMLA 2018", "reg. 35", "reg. 30A",
     "reg. 28(11)"),
    Item("board and senior persons", "reg. 28(3)(b)", _board),
    Item("birth dates of persons", "reg. 28(4)", _births),
)  # fmt: skip
US = _pack(
    "us-cip-cdd",
    ("31 CFR 1020.220", "31 CFR 1020.220", "31 CFR 1010.230", "OFAC", "31 CFR 1010.620",
     "31 CFR 1020.220", "31 CFR 1010.230"),
    Item("a person in control", "31 CFR 1010.230(d)(2)", _board),
    Item("birth dates of persons", "31 CFR 1010.230", _births),
)  # fmt: skip
EUROPE = _pack(
    "eu-amlr",
    ("Art. 22(1)(b)", "Art. 22(1)(b)", "Art. 52", "Art. 20", "Art. 20", "Art. 24",
     "Art. 26"),
    Item("legal representatives", "Art. 22(1)(b)", _board),
    Item("birth dates of persons", "Art. 22(1)(a)", _births),
    Item("nationalities of persons", "Art. 22(1)(a)", _nationalities),
)  # fmt: skip


def pack_of(country: str) -> Pack:
    """Choose the pack for a customer's country; the strictest where none is made for it."""
    return {"GB": UK, "US": US}.get(country, EUROPE)


def dossier(filed: Filed) -> CheckResult:
    """Say what is missing or contradicts itself, a gap each. Clear only if everything is there."""
    sheet, pack = Sheet(Check.DOSSIER), pack_of(filed.case.subject.country)
    missing = [(item, why) for item in pack.items if (why := item.missing(filed))]
    there = len(pack.items) - len(missing)
    names = ", ".join(item.name for item in pack.items)
    sheet.evidence.append(
        Evidence(
            id=f"{sheet.prefix}-e1",
            source="rule pack",
            record=pack.name,
            liveness=Liveness.LIVE,
            retrieved_at=filed.now,
            excerpt=f"{there} of {len(pack.items)} on file: {names}",
        )
    )
    for item, why in missing:
        sheet.gap(f"{item.name} ({pack.name}, {item.law}): {why}")
    told, credit = filed.of(Check.REFERENCES), filed.of(Check.CREDIT)
    if told and credit and (against := contradiction(told, credit)):
        sheet.gap(f"references against credit: {against}")
    return sheet.result(1.0)
