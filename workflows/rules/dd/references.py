"""Due diligence: Did enough independent referees answer, and what did they say? Pure."""

from collections.abc import Mapping, Sequence
from statistics import median

from workflows.data.case_file import CaseFile
from workflows.data.case_policy import Referee
from workflows.data.findings import Check, CheckResult, Evidence, FindingCode, Strength
from workflows.data.names.search import Listed, NameList
from workflows.data.readings import ReferenceReading
from workflows.rules.dd.sheet import Sheet

NAMESAKE = 0.95
"""Score of names from which a referee bears the name of somebody of the case."""
LATE = 30
"""Days beyond terms, on average, from which a reference speaks against the customer."""
ASKED = ("years_known", "terms_days", "high_credit", "past_due", "days_beyond_terms")
_SHARED = frozenset({"gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "gmx.net", "web.de"})
"""Domains anybody can have an address at: equal ones say nothing."""
_BAD = frozenset(
    {FindingCode.INSOLVENCY_FILING, FindingCode.INSOLVENCY_HISTORY, FindingCode.CREDIT_DISTRESS}
)

Reply = tuple[ReferenceReading, Evidence]


def independent(case: CaseFile) -> tuple[tuple[Referee, ...], tuple[str, ...]]:
    """Choose the referees worth asking, and say why the others are not.

    Not independent of the customer: the same mail domain, or the name of the customer or of one
    of its parties, as many as are screened. Of referees who share a domain the first is asked.
    """
    taken = {_domain(case.subject.contact): "the customer"}
    known = [case.subject.name, *(p.name for p in case.parties[: case.screening.parties])]
    names = NameList((Listed(n, n) for n in known), "Company")
    asked, why = [], []
    for referee in case.references.referees:
        domain = _domain(referee.mail)
        namesakes = names.search(referee.name, NAMESAKE)
        if domain in taken:
            why.append(f"{referee.party_id} is not asked: it shares a domain with {taken[domain]}")
        elif namesakes:
            named = namesakes[0].listed.name
            why.append(f"{referee.party_id} is not asked: it bears the name of {named}")
        else:
            asked.append(referee)
            if domain not in _SHARED:
                taken[domain] = referee.party_id
    return tuple(asked), tuple(why)


def _domain(mail: str) -> str:
    return mail.rpartition("@")[2].casefold()


def references(
    replies: Mapping[str, Reply],
    needed: int,
    unclear: Sequence[str],
    unasked: Sequence[str] = (),
    currency: str = "",
) -> CheckResult:
    """Did enough referees answer conclusively, and what did they say?

    `currency` is the product's: high credit in any other is not counted.
    """
    sheet = Sheet(Check.REFERENCES)
    for party, (reading, evidence) in replies.items():
        number = f"{sheet.check}-e{len(sheet.evidence) + 1}"
        sheet.evidence.append(evidence.model_copy(update={"id": number}))
        if wrong := _against(reading):
            sheet.find(FindingCode.ADVERSE_REFERENCE, wrong, number, Strength.OPINION, party)
        if not told(reading):
            sheet.gap(f"{party} praises or blames, but tells none of the facts asked for")
    if len(replies) < needed:
        sheet.gap(f"{len(replies)} of {needed} conclusive references by the deadline")
        for why in (*unasked, *unclear):
            sheet.gap(why)
    sure = min((r.confidence for r, _ in replies.values()), default=0.5)
    return sheet.result(sure).model_copy(update={"high_credit": high_credit(replies, currency)})


def _against(reading: ReferenceReading) -> str:
    """Say what speaks against the customer; empty if nothing does."""
    if not reading.favourable:
        return "a referee would not extend credit again"
    if (late := reading.days_beyond_terms) is not None and late > LATE:
        return f"a referee is paid {late} days beyond terms on average"
    return ""


def told(reading: ReferenceReading) -> int:
    """Count which of the facts asked for a reply tells."""
    return sum(getattr(reading, name) is not None for name in ASKED)


def excerpt(referee: Referee, reading: ReferenceReading) -> str:
    """Put a reply's facts in a line, as evidence."""
    r = reading
    facts = [
        (r.years_known, f"known {r.years_known:g} years" if r.years_known is not None else ""),
        (r.terms_days, f"terms {r.terms_days} days"),
        (r.high_credit, f"high credit {r.high_credit or 0:.0f} {r.currency}".strip()),
        (r.past_due, f"past due {r.past_due or 0:.0f} {r.currency}".strip()),
        (r.days_beyond_terms, f"{r.days_beyond_terms} days beyond terms"),
    ]
    told_of = f"{referee.kind} reference, {told(r)} of {len(ASKED)} facts told"
    return ", ".join([told_of, *(text for value, text in facts if value is not None)])


def high_credit(replies: Mapping[str, Reply], currency: str) -> float | None:
    """Give the median of what referees were owed at most, in this currency alone; None if none
    says. Of two the middle between them.
    """
    said = [
        r.high_credit
        for r, _ in replies.values()
        if r.high_credit is not None and r.currency == currency
    ]
    return median(said) if said else None


def contradiction(references: CheckResult, credit: CheckResult) -> str | None:
    """Say where referees and the credit check contradict each other; None if they agree."""
    distress = [f for f in credit.findings if f.code in _BAD]
    if distress and references.evidence and not references.findings:
        return f"all references are favourable, but credit found {distress[0].code}"
    if references.findings and not credit.findings and not credit.gaps:
        return "a reference is adverse, but credit found nothing against the customer"
    return None
