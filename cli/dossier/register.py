"""The last pages of a dossier: every record that was looked at, the lists, the audit."""

from collections.abc import Iterable

from cli.dossier.markup import (
    Markup,
    chip,
    day,
    digest,
    el,
    here,
    join,
    section,
    stamp,
    table,
    words,
)
from cli.dossier.view import View
from workflows.data.audit import Action
from workflows.data.findings import Evidence

_DETAILS = frozenset({Action.FINDING, Action.GAP, Action.CHECK_ENDED, Action.PARTY_DISCOVERED})
MOST_ROWS = 200
"""Audit rows that are printed; the file of `starter.py audit` has them all."""


def evidence(view: View) -> Markup:
    """List every record that was looked at, with where it came from and its hash."""
    rows = [
        (
            join(el("div", here(e.id)) for e in same),
            join((el("strong", first.source), el("div", first.record))),
            chip(first.liveness, "good" if first.liveness == "live" else "warn"),
            day(first.as_of),
            stamp(first.retrieved_at),
            digest(first.sha256),
            join((first.excerpt, el("div", first.licence, cls="note") if first.licence else None)),
        )
        for first, same in _same(view.evidence)
    ]
    heads = ("Id", "Source, record", "State", "As of", "Retrieved (UTC)", "sha256",
             "Excerpt, licence")  # fmt: skip
    return section("8", "Evidence register", table(heads, rows), *_lists(view))


def _same(items: Iterable[Evidence]) -> list[tuple[Evidence, list[Evidence]]]:
    """Put together what is one record that says one thing, of whomever it was asked."""
    found: dict[tuple[object, ...], list[Evidence]] = {}
    for e in items:
        key = (e.source, e.record, e.liveness, e.as_of, e.sha256, e.excerpt)
        found.setdefault(key, []).append(e)
    return [(same[0], same) for same in found.values()]


def _lists(view: View) -> tuple[Markup, ...]:
    used = view.decision.lists if view.decision else ()
    if not used:
        return ()
    rows = [(x.id, x.version, day(x.as_of), digest(x.sha256)) for x in used]
    return el("h3", "Lists screened against"), table(("List", "Version", "As of", "sha256"), rows)


def audit(view: View) -> Markup:
    """Show the case's steps, and how to check that nothing was changed afterwards."""
    told = [r for r in view.audit if r.action not in _DETAILS]
    rows = [
        (
            r.seq,
            stamp(r.at),
            r.actor.id,
            words(r.action.replace(".", " ")),
            r.target,
            " → ".join(_plain(v) for v in (r.before, r.after) if v),
            _plain(r.reason),
        )
        for r in told[:MOST_ROWS]
    ]
    head = view.audit[-1].hash if view.audit else ""
    left = len(view.audit) - len(rows)
    return section(
        "9",
        "Audit",
        el("p", f"{len(view.audit)} rows, chain {view.chain}; hash of the last row ",
           el("code", head), f". {left} rows (checks, findings, gaps) are not printed here."
           f" Check it: starter.py audit {view.case_id} --verify"),
        table(("Row", "When (UTC)", "Who", "What", "Of", "Change", "Why"), rows),
    )  # fmt: skip


def _plain(text: str) -> str:
    """Write what is a code as words."""
    return words(text) if text.replace("_", "").isalpha() and "_" in text else text
