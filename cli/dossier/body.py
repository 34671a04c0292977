"""The body of a dossier: findings, hits, gaps, checks, parties."""

from collections.abc import Iterable

from cli.dossier.markup import (
    Markup,
    chip,
    cited,
    country,
    day,
    el,
    here,
    join,
    moment,
    phrase,
    section,
    sentence,
    spelled,
    table,
    words,
)
from cli.dossier.view import View
from workflows.data.findings import (
    HARD,
    SUBJECT,
    Check,
    CheckResult,
    Disposition,
    Finding,
    FindingCode,
)
from workflows.data.hits import HitReview, ReviewedHit

OUTCOMES = {
    "clear": "good",
    "finding": "bad",
    "inconclusive": "warn",
    "unavailable": "warn",
    "not_applicable": "plain",
}
DISPOSITIONS = {
    Disposition.TRUE_MATCH: "bad",
    Disposition.FALSE_POSITIVE: "good",
    Disposition.INCONCLUSIVE: "warn",
}
QUESTIONS = {
    "right_list": "list counts here:",
    "same_type": "same kind of party:",
    "name_part": "how much of the name:",
    "enough_identifiers": "entry tells enough to compare:",
    "several_similarities": "several similarities:",
}
"""The five questions of OFAC's FAQ 5, short."""
DIFFER = (
    FindingCode.IDENTITY_CONFLICT,
    FindingCode.CONTACT_MISMATCH,
    FindingCode.VAT_INVALID,
)
"""Findings that say that two records disagree."""


def findings(view: View) -> Markup:
    """List what speaks against the customer, why it is thought so, and what people made of it."""
    rows = [
        (
            here(f.id),
            el("strong", words(f.code)),
            view.names.get(f.party_id, f.party_id),
            join((sentence(f.summary), _matched(f))),
            words(f.strength) + (f" {f.score:.2f}" if f.score is not None else ""),
            cited(f.evidence, view.ids),
        )
        for f in view.findings
    ]
    heads = ("Id", "Finding", "About", "What", "Rests on", "Evidence")
    return section("3", "Findings", table(heads, rows), *_hits(view))


def _matched(found: Finding) -> Markup | None:
    on = found.matched_on
    if on is None:
        return None
    parts = f"; {', '.join(on.parts)}" if on.parts else ""
    return el("div", f"{on.field}: “{on.query}” and “{on.candidate}”{parts}", cls="matched")


def _hits(view: View) -> tuple[Markup, ...]:
    """Show each hit on a list with the worksheets of whoever judged it."""
    reviewed = view.decision.hits if view.decision else ()
    if not reviewed:
        return ()
    heads = ("Finding", "List entry", "Judged", "Worksheet (OFAC FAQ 5) and comment")
    note = el("p", "What is not judged a false positive counts.", cls="note")
    rows = [_hit(view, hit) for hit in reviewed]
    return el("h3", "Hits on lists, as people judged them"), note, table(heads, rows)


def _hit(view: View, hit: ReviewedHit) -> tuple[object, ...]:
    judged = hit.disposition
    reasons = dict.fromkeys(phrase(r.reason) for r in hit.reviews)
    comments = dict.fromkeys(c for c in (hit.note, *(r.comment for r in hit.reviews)) if c)
    verdict = (
        chip(judged or "open", DISPOSITIONS[judged] if judged else "warn"),
        el("div", f"{', '.join(reasons)}, by {' and '.join(hit.by)}" if hit.by else "by nobody"),
        el("div", moment(hit.at), cls="note"),
    )
    told = (*(_answers(r) for r in hit.reviews), *(el("div", sentence(c)) for c in comments))
    return (
        join((cited((hit.finding,), view.ids), el("div", view.names.get(hit.party_id)))),
        hit.entry.replace(":", " "),
        join(verdict),
        join(told),
    )


def _answers(review: HitReview) -> Markup:
    told = review.worksheet.model_dump(mode="json")
    return el("div", join((join((f"{QUESTIONS[q]} ", el("b", a))) for q, a in told.items()), "; "))


def gaps(view: View) -> Markup:
    """List what could not be established, and where records disagree."""
    rows = [
        (
            here(g.id),
            words(g.check),
            view.names.get(c.party_id, c.party_id),
            sentence(g.reason),
            "must be conclusive" if c.check in HARD else "lowers confidence",
        )
        for c, g in view.gaps
    ]
    differ = [
        (cited((f.id,), view.ids), sentence(f.summary), cited(f.evidence, view.ids))
        for f in view.findings
        if f.code in DIFFER
    ]
    return section(
        "4",
        "Gaps and discrepancies",
        el("p", "A gap is never a pass.", cls="note"),
        table(("Id", "Check", "About", "What could not be established", "Effect"), rows),
        el("h3", "Discrepancies"),
        table(("Finding", "What differs", "Evidence"), differ),
    )


def checks(view: View) -> Markup:
    """List the checks of the customer; those of all other parties as one row a party."""
    rows = [
        (
            el("strong", words(c.check)) if c.check in HARD else words(c.check),
            chip(c.outcome, OUTCOMES[c.outcome]),
            f"{c.confidence:.2f}",
            spelled(c.fallback),
            ", ".join(dict.fromkeys(f"{e.source} ({e.liveness})" for e in c.evidence)),
        )
        for c in view.checks
        if c.party_id == SUBJECT
    ]
    heads = ("Check", "Outcome", "Confidence", "Fallback", "Sources")
    note = el("p", "Bold: must be conclusive before an approval without conditions.", cls="note")
    return section("5", "Checks", note, table(heads, rows), *_of_parties(view))


def _of_parties(view: View) -> tuple[Markup, ...]:
    others = [c for c in view.checks if c.party_id != SUBJECT]
    if not others:
        return ()
    kinds = [k for k in Check if any(c.check is k for c in others)]
    by_party: dict[str, dict[Check, CheckResult]] = {}
    for c in others:
        by_party.setdefault(c.party_id, {})[c.check] = c
    rows = [(view.names.get(party, party), *_outcomes(kinds, of)) for party, of in by_party.items()]
    heads = ("Party", *(words(k) for k in kinds))
    return el("h3", "Of the parties, with confidence"), table(heads, rows)


def _outcomes(kinds: Iterable[Check], of: dict[Check, CheckResult]) -> list[object]:
    return [
        join((chip(c.outcome, OUTCOMES[c.outcome]), el("div", f"{c.confidence:.2f}", cls="note"),
              el("div", spelled(c.fallback), cls="note") if c.fallback else None))
        if (c := of.get(kind)) else ""
        for kind in kinds
    ]  # fmt: skip


def parties(view: View) -> Markup:
    """List everybody who was looked at."""
    subject = view.case.subject
    place = country(subject.country)
    rows: list[tuple[object, ...]] = [("subject", subject.name, "Company", "Applicant", place, "")]
    named = {p.party_id for p in view.case.parties}
    rows += [
        (
            p.party_id,
            p.name,
            p.kind,
            words(p.role) + ("" if p.party_id in named else ", discovered"),
            country(p.country) if p.country else ", ".join(p.nationality),
            day(p.birth_date) or p.birth,
        )
        for p in view.parties
    ]
    heads = ("Id", "Name", "Kind", "Role", "Country", "Born")
    return section("6", "Parties", table(heads, rows))
