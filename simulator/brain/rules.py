"""The right answers, by plain rules: one function per record a model may be asked for.

These are the simulator's own reading of the documents, kept apart from the rules the
processes decide by, so that the two can disagree.
"""

import re
from collections.abc import Iterator
from typing import Any

from simulator.brain.documents import (
    CreditDocuments,
    HitDocuments,
    IdentityDocuments,
    ReferenceDocuments,
)
from simulator.brain.names import holds, number, similarity
from workflows.data.readings import (
    CreditReading,
    Discrepancy,
    HitReading,
    IdentityReading,
    ReferenceReading,
)
from workflows.data.sources import Fact

SAME_NAME = 0.85
OTHER_NAME = 0.60


# ---- identity ------------------------------------------------------------------------------


def identity(documents: IdentityDocuments) -> IdentityReading:
    """Compare the form with the register and the LEI record, field by field."""
    read = sum(document is not None for document in (documents.entry, documents.lei))
    if not read:
        return IdentityReading(same_entity="unclear", discrepancies=(), confidence=0.3)
    found = tuple(_discrepancies(documents))
    fields = {discrepancy.field for discrepancy in found}
    names = _other_names(documents)
    same = min((similarity(documents.form.name, name) for name in names), default=0.0)
    if "number" in fields or same < OTHER_NAME:
        return IdentityReading(same_entity="no", discrepancies=found, confidence=0.9)
    if same < SAME_NAME or len(fields) > 1:
        return IdentityReading(same_entity="unclear", discrepancies=found, confidence=0.6)
    confidence = (0.92 if read == 1 else 0.97) - 0.1 * len(fields)
    return IdentityReading(same_entity="yes", discrepancies=found, confidence=confidence)


def _other_names(documents: IdentityDocuments) -> list[str]:
    return [document.name for document in (documents.entry, documents.lei) if document]


def _discrepancies(documents: IdentityDocuments) -> Iterator[Discrepancy]:
    form, entry, lei = documents.form, documents.entry, documents.lei
    for name in _other_names(documents):
        if similarity(form.name, name) < SAME_NAME:
            yield Discrepancy(field="name", first=form.name, second=name)
    if entry and form.incorporated and entry.incorporated not in (None, form.incorporated):
        yield Discrepancy(
            field="incorporated", first=str(form.incorporated), second=str(entry.incorporated)
        )
    for document in (entry, lei):
        if document and _differ(form.postcode or "", document.postcode):
            yield Discrepancy(field="postcode", first=form.postcode or "", second=document.postcode)
    if lei and _differ(form.country, lei.country):
        yield Discrepancy(field="country", first=form.country, second=lei.country)
    yield from _numbers(documents)


def _numbers(documents: IdentityDocuments) -> Iterator[Discrepancy]:
    """Compare numbers per scheme: a register's own number, and the one the LEI record cites."""
    given = {i.scheme: i.value for i in documents.form.identifiers}
    national = given.get("GB-COH") or given.get("CIK") or ""
    if documents.entry and _differ(national, documents.entry.number):
        yield Discrepancy(field="number", first=national, second=documents.entry.number)
    if documents.lei:
        for first, second in (
            (given.get("GB-COH", ""), documents.lei.registered_as),
            (given.get("LEI", ""), documents.lei.lei),
        ):
            if _differ(first, second):
                yield Discrepancy(field="number", first=first, second=second)


def _differ(first: str, second: str) -> bool:
    return bool(first and second) and number(first) != number(second)


# ---- credit --------------------------------------------------------------------------------

ITEMS = {
    "1.03": ("distress", "bankruptcy or receivership"),
    "2.04": ("distress", "a debt became due early"),
    "3.01": ("watch", "notice of delisting"),
    "4.02": ("watch", "earlier statements can no longer be relied on"),
}
"""8-K items of the SEC's form that speak against credit."""

FORMS = {"15-": "registration ended", "NT 10-K": "annual report late"}
"""Filing forms, by their beginning, that call for watching."""


def credit(documents: CreditDocuments) -> CreditReading:
    """Read filings, register facts and the latest balance sheet for signs of distress."""
    signs = [*_filing_signs(documents), *_register_signs(documents), *_figure_signs(documents)]
    reasons = tuple(dict.fromkeys(text for _, text in signs))
    levels = {level for level, _ in signs}
    if "distress" in levels:
        return CreditReading(level="distress", reasons=reasons, confidence=0.95)
    if "watch" in levels:
        return CreditReading(level="watch", reasons=reasons, confidence=0.9)
    if _enough_seen(documents):
        return CreditReading(
            level="none", reasons=("nothing speaks against credit",), confidence=0.94
        )
    return CreditReading(level="unknown", reasons=("too little on file",), confidence=0.5)


def _filing_signs(documents: CreditDocuments) -> Iterator[tuple[str, str]]:
    for filing in documents.filings:
        if filing.form.startswith("8-K"):
            for item in filing.items:
                if item in ITEMS:
                    level, text = ITEMS[item]
                    yield level, f"8-K item {item} filed {filing.filed}: {text}"
        for form, text in FORMS.items():
            if filing.form.startswith(form):
                yield "watch", f"{filing.form} filed {filing.filed}: {text}"


def _register_signs(documents: CreditDocuments) -> Iterator[tuple[str, str]]:
    if documents.entry and documents.entry.insolvency_history:
        yield "distress", "the register shows an insolvency history"
    if documents.entry and documents.entry.accounts_overdue:
        yield "watch", "the register shows accounts overdue"


def _figure_signs(documents: CreditDocuments) -> Iterator[tuple[str, str]]:
    assets = _latest(documents.facts, "Assets")
    liabilities = _latest(documents.facts, "Liabilities")
    same_day = assets and liabilities and assets.end == liabilities.end
    if assets and liabilities and same_day and liabilities.value > assets.value:
        yield "watch", f"liabilities exceed assets on {assets.end}"


def _latest(facts: tuple[Fact, ...], concept: str) -> Fact | None:
    named = [fact for fact in facts if fact.concept.rpartition(":")[2] == concept]
    return max(named, key=lambda fact: (fact.end, fact.filed), default=None)


def _enough_seen(documents: CreditDocuments) -> bool:
    entry = documents.entry
    quiet = entry is not None and entry.accounts_overdue is False
    return bool(documents.filings or documents.facts) or quiet


# ---- sanctions hits ------------------------------------------------------------------------

COUNTRIES = {
    "GB": ("united kingdom",),
    "US": ("united states",),
    "IR": ("iran",),
    "CH": ("switzerland",),
    "RU": ("russia",),
    "DE": ("germany",),
    "AM": ("armenia",),
    "MY": ("malaysia",),
}
"""How list remarks name the countries."""


def hit(documents: HitDocuments) -> HitReading:
    """Compare a party with a row of a list: name, identifiers, country."""
    same = similarity(documents.party.name, documents.hit.caption)
    name = "agree" if same >= SAME_NAME else "conflict" if same < OTHER_NAME else "unknown"
    identifier = _identifier_agreement(documents)
    country = _country_agreement(documents)
    confidence = {"agree": 0.97, "conflict": 0.9, "unknown": 0.7}[identifier]
    if identifier == "unknown" and name == "conflict":
        confidence = 0.9
    return HitReading.model_validate(
        {
            "name": name,
            "identifier": identifier,
            "country": country,
            "explanation": f"name: {name}; identifier: {identifier}; country: {country}",
            "confidence": confidence,
        }
    )


def _identifier_agreement(documents: HitDocuments) -> str:
    party, row = documents.party, documents.hit
    if any(holds(row.remarks, i.value) for i in party.identifiers):
        return "agree"
    listed = {i.scheme: number(i.value) for i in row.identifiers}
    shared = [(number(i.value), listed[i.scheme]) for i in party.identifiers if i.scheme in listed]
    if not shared:
        return "unknown"
    return "agree" if any(ours == theirs for ours, theirs in shared) else "conflict"


def _country_agreement(documents: HitDocuments) -> str:
    remarks = documents.hit.remarks.lower()
    named = {code for code, names in COUNTRIES.items() if any(f"({n})" in remarks for n in names)}
    if not named or documents.party.country is None:
        return "unknown"
    return "agree" if documents.party.country in named else "conflict"


# ---- references ----------------------------------------------------------------------------

_NO_OPINION = re.compile(
    r"cannot (say|comment|confirm)|unable to|not in a position|no comment|do not recall"
    r"|hard to say|not sure|would rather not"
)
_AGAINST = re.compile(
    r"unpaid|dispute|written off|legal action|returned|would not (deal|sell|extend|recommend)"
    r"|collection agency|advise against"
)
_FOR = re.compile(
    r"within (the )?(agreed )?terms|on time|promptly|as agreed|no complaints?|good customer"
    r"|happy to (deal|sell|recommend)|satisfactory"
)
_DAYS = re.compile(r"(\d{1,3}) days? (?:beyond|after|past|late|overdue|over)")
LATE_DAYS = 60
"""Days beyond terms from which a reference speaks against the customer."""


def reference(documents: ReferenceDocuments) -> ReferenceReading:
    """Read a referee's free text: is it conclusive, favourable, and how late are payments?"""
    text = documents.reply.lower()
    found = _DAYS.search(text)
    days = int(found.group(1)) if found else None
    if _NO_OPINION.search(text) or not (found or _AGAINST.search(text) or _FOR.search(text)):
        return ReferenceReading(
            conclusive=False, favourable=False, days_beyond_terms=None, confidence=0.85
        )
    against = bool(_AGAINST.search(text)) or (days is not None and days >= LATE_DAYS)
    if days is None and not against:
        days = 0
    return ReferenceReading(
        conclusive=True,
        favourable=not against,
        days_beyond_terms=days,
        confidence=0.93,
        **_experience(text),
    )


_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_YEARS = re.compile(rf"({'|'.join(_NUMBERS)}|\d{{1,2}}) years")
_TERMS = re.compile(r"(?:(\d{1,3}) days net|terms (?:of )?(\d{1,3}) days)")
_HIGH = re.compile(r"high credit ([a-z]{3}) ([\d,]+)")


def _experience(text: str) -> dict[str, Any]:
    """Read the plain facts of a reference: how long known, on what terms, how much owed."""
    years, terms, high = _YEARS.search(text), _TERMS.search(text), _HIGH.search(text)
    known = years.group(1) if years else ""
    return {
        "years_known": _NUMBERS.index(known) + 1 if known in _NUMBERS else int(known or 0) or None,
        "terms_days": int(terms.group(1) or terms.group(2)) if terms else None,
        "high_credit": float(high.group(2).replace(",", "")) if high else None,
        "past_due": 0.0 if "nothing past due" in text else None,
        "currency": high.group(1).upper() if high else "",
    }
