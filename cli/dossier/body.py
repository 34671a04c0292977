"""The body of a dossier: findings, gaps, checks, parties, evidence, audit."""

from collections.abc import Iterable, Iterator

from cli.dossier import annexes
from cli.dossier.markup import (
    Markup,
    chip,
    cited,
    day,
    digest,
    el,
    here,
    join,
    moment,
    section,
    sentence,
    table,
    words,
)
from cli.dossier.view import View
from workflows.data.audit import Action
from workflows.data.findings import HARD, Check, CheckResult, Finding, FindingCode

OUTCOMES = {
    "clear": "good",
    "finding": "bad",
    "inconclusive": "warn",
    "unavailable": "warn",
    "not_applicable": "plain",
}
DIFFER = (
    FindingCode.IDENTITY_CONFLICT,
    FindingCode.CONTACT_MISMATCH,
    FindingCode.VAT_INVALID,
)
"""Findings that say that two records disagree."""
_DETAILS = frozenset({Action.FINDING, Action.GAP, Action.CHECK_ENDED, Action.PARTY_DISCOVERED})
MOST_ROWS = 200
"""Audit rows that are printed; the file of `starter.py audit` has them all."""


def findings(view: View) -> Markup:
    """List what speaks against the customer, and why it is thought to be so."""
    rows = [
        (
            here(f.id),
            el("strong", words(f.code)),
            view.names.get(f.party_id, f.party_id),
            join((sentence(f.summary), _matched(f))),
            words(f.strength) + (f" {f.score:.2f}" if f.score is not None else ""),
            words(f.disposition) if f.disposition else "",
            cited(f.evidence, view.ids),
        )
        for f in view.findings
    ]
    heads = ("Id", "Finding", "About", "What", "Rests on", "Judged", "Evidence")
    return section("3", "Findings", table(heads, rows))


def _matched(found: Finding) -> Markup | None:
    on = found.matched_on
    if on is None:
        return None
    parts = f"; {', '.join(on.parts)}" if on.parts else ""
    return el("div", f"{on.field}: “{on.query}” and “{on.candidate}”{parts}", cls="matched")


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
        (cited((f.id,), view.ids), f.summary, cited(f.evidence, view.ids))
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
    """List every check, of the subject and of each party."""
    rows = [
        (
            el("strong", words(c.check)) if c.check in HARD else words(c.check),
            view.names.get(c.party_id, c.party_id),
            chip(c.outcome, OUTCOMES[c.outcome]),
            f"{c.confidence:.2f}",
            c.fallback.replace("_", " "),
            ", ".join(dict.fromkeys(f"{e.source} ({e.liveness})" for e in c.evidence)),
        )
        for c in view.checks
    ]
    heads = ("Check", "About", "Outcome", "Confidence", "Fallback", "Sources")
    note = el("p", "Bold: must be conclusive before an approval without conditions.", cls="note")
    return section("5", "Checks", note, table(heads, rows))


def parties(view: View) -> Markup:
    """List everybody who was looked at."""
    subject = view.case.subject
    rows: list[tuple[object, ...]] = [
        ("subject", subject.name, "Company", "applicant", subject.country, "")
    ]
    named = {p.party_id for p in view.case.parties}
    rows += [
        (
            p.party_id,
            p.name,
            p.kind,
            p.role if p.party_id in named else f"{p.role} (discovered)",
            p.country or "",
            day(p.birth_date) or p.birth,
        )
        for p in view.parties
    ]
    heads = ("Id", "Name", "Kind", "Role", "Country", "Born")
    return section("6", "Parties", table(heads, rows))


def details(view: View) -> Markup:
    """Show what the sources of each check said, in order."""
    chosen = (
        (Check.OWNERSHIP, "Ownership and control"),
        (Check.CREDIT, "Credit"),
        (Check.REFERENCES, "References"),
        (Check.MEDIA, "Adverse media"),
    )
    parts = []
    for check, title in chosen:
        held = [c for c in view.checks if c.check is check]
        if held:
            parts += [el("h3", title), *_worked_out(held), _said(view, held)]
    return section("7", "What the sources said", *parts)


def _worked_out(held: Iterable[CheckResult]) -> Iterator[Markup]:
    for check in held:
        if check.structure is not None:
            yield annexes.ownership(check.structure)
        if check.worksheet is not None:
            yield annexes.worksheet(check.worksheet)


def _said(view: View, held: Iterable[CheckResult]) -> Markup:
    rows = [
        (cited((e.id,), view.ids), view.names.get(c.party_id, c.party_id), e.record, e.excerpt)
        for c in held
        for e in c.evidence
    ]
    return table(("Evidence", "About", "Record", "What it says"), rows)


def evidence(view: View) -> Markup:
    """List every record that was looked at, with where it came from and its hash."""
    rows = [
        (
            here(e.id),
            e.source,
            e.record,
            chip(e.liveness, "good" if e.liveness == "live" else "warn"),
            join((day(e.as_of), el("div", moment(e.retrieved_at), cls="note"))),
            digest(e.sha256),
            join((e.excerpt, el("div", e.licence, cls="note") if e.licence else None)),
        )
        for e in view.evidence
    ]
    heads = ("Id", "Source", "Record", "State", "As of, retrieved", "sha256", "Excerpt, licence")
    return section("8", "Evidence register", table(heads, rows))


def audit(view: View) -> Markup:
    """Show the case's steps, and how to check that nothing was changed afterwards."""
    told = [r for r in view.audit if r.action not in _DETAILS]
    rows = [
        (
            r.seq,
            moment(r.at),
            r.actor.id,
            words(r.action.replace(".", " ")),
            r.target,
            " → ".join(v for v in (r.before, r.after) if v),
            r.reason,
        )
        for r in told[:MOST_ROWS]
    ]
    head = view.audit[-1].hash if view.audit else ""
    left = len(view.audit) - len(rows)
    return section(
        "9",
        "Audit",
        el("p", f"{len(view.audit)} rows, chain {view.chain}; hash of the last row ", digest(head),
           f". {left} rows are not printed here. "
           f"Check it: starter.py audit {view.case_id} --verify"),
        table(("Row", "When", "Who", "What", "Of", "Change", "Why"), rows),
    )  # fmt: skip
