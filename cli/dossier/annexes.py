"""What checks worked out, in full: ownership, the credit worksheet, references, the press."""

from collections.abc import Mapping

from cli.dossier.markup import (
    Markup,
    chip,
    cited,
    country,
    day,
    el,
    facts,
    join,
    money,
    section,
    sentence,
    spelled,
    table,
    words,
)
from cli.dossier.view import View
from workflows.data.findings import Check, CheckResult
from workflows.data.ownership import Stake, Standing, Structure
from workflows.data.worksheet import Ratio, Score, Worksheet

STANDINGS = {
    Standing.OWNER: ("beneficial owner", "bad"),
    Standing.CONTROLS: ("controls", "bad"),
    Standing.POSSIBLE: ("may be an owner", "warn"),
    Standing.DEAD_END: ("nobody behind it named", "warn"),
    Standing.BELOW: ("below 25 %", "plain"),
}
MARKS = {"good": "good", "fair": "warn", "poor": "bad"}
ZONES = {"safe": "good", "grey": "warn", "distress": "bad"}
MILLIONS = 10_000_000
"""Amounts from which a worksheet is shown in millions."""


def details(view: View) -> Markup:
    """Show in full what rules worked out, what referees wrote and what the press says."""
    held = {c: [r for r in view.checks if r.check is c] for c in Check}
    parts: list[Markup] = []
    for check in held[Check.OWNERSHIP]:
        if check.structure is not None:
            parts += [el("h3", "Ownership and control"), ownership(check.structure)]
            parts.append(_rests_on(view, check))
    for check in held[Check.CREDIT]:
        if check.worksheet is not None:
            parts += [el("h3", "Credit worksheet"), worksheet(check.worksheet)]
            parts.append(_rests_on(view, check))
    told = [(view.names.get(e.record, e.record), sentence(e.excerpt), cited((e.id,), view.ids))
            for c in held[Check.REFERENCES] for e in c.evidence]  # fmt: skip
    if told:
        parts += [el("h3", "References"), table(("Referee", "What they said", "Evidence"), told)]
    press = [(view.names.get(c.party_id, c.party_id), e.excerpt, cited((e.id,), view.ids))
             for c in held[Check.MEDIA] for e in c.evidence if "://" in e.record]  # fmt: skip
    if press:
        parts += [el("h3", "Press"), table(("About", "What it says", "Evidence"), press)]
    return section("7", "In detail", *(parts or [el("p", "Nothing.", cls="note")]))


def _rests_on(view: View, check: CheckResult) -> Markup:
    return el("p", "Rests on ", cited((e.id for e in check.evidence), view.ids), cls="note")


def ownership(found: Structure) -> Markup:
    """Show who holds what, by which chains, and what is not accounted for."""
    if not found.holders and not found.flags:
        return el("p", f"No holder of {found.name} is named, and none has to be.")
    unknown = f"{found.unknown_shares} of shares, {found.unknown_votes} of votes"
    heads = ("Holder", "Kind", "Shares", "Votes", "Standing", "How")
    return join(
        (
            facts(
                (
                    ("Stands out", join(el("div", sentence(f.why)) for f in found.flags)),
                    ("Not accounted for", unknown),
                    ("Layers of companies above", str(found.layers)),
                    ("Going round in circles", join(el("div", " > ".join(p)) for p in found.loops)),
                )
            ),
            table(heads, [_holder(h, found.name) for h in found.holders]),
        )
    )


def _holder(h: Stake, subject: str) -> tuple[object, ...]:
    standing, kind = STANDINGS[h.standing]
    chains = [
        f"{subject} < {path}" if " < " in path else f"directly: {path.removesuffix(h.name)}"
        for path in h.paths
    ]
    more = ["and by further chains"] if h.more_paths else []
    return (
        h.name,
        ", ".join(part for part in (h.kind, h.country and country(h.country)) if part),
        h.shares or "not stated",
        h.votes or "not stated",
        chip(standing, kind),
        join(el("div", line) for line in (*chains, *more, *h.means)),
    )


def worksheet(work: Worksheet) -> Markup:
    """Show ratios and scores, each with its formula and what was put in."""
    lines: tuple[Ratio | Score, ...] = (*work.ratios, *work.scores)
    amounts = [abs(v) for one in lines for v in one.inputs.values()]
    scale = 1_000_000 if max(amounts, default=0) >= MILLIONS else 1
    unit = f"{work.currency} millions" if scale > 1 else work.currency
    scores = [_line(s, s.name, scale, s.zone, ZONES) for s in work.scores]
    ratios = [_line(r, words(r.name), scale, r.mark, MARKS) for r in work.ratios]
    worth = work.tangible_net_worth
    return join(
        (
            facts(
                (
                    ("Period", f"{work.months} months to {day(work.end)}"),
                    ("Source", work.source),
                    ("Tangible net worth", "" if worth is None else money(work.currency, worth)),
                    ("Thresholds", f"{work.policy} (house policy)"),
                    ("Notes", join(el("div", sentence(n)) for n in (*work.notes, *work.doubts))),
                )
            ),
            table(("Score", "Formula", f"Figures, {unit}", "Value", "Zone"), scores),
            table(("Ratio", "Formula", f"Figures, {unit}", "Value", "Mark"), ratios),
        )
    )


def _line(
    one: Ratio | Score, name: str, scale: int, mark: str | None, kinds: Mapping[str, str]
) -> tuple[object, ...]:
    value = f"{one.value:,.2f}" if one.value is not None else el("em", one.why)
    formula = spelled(one.formula)
    return name, formula, _inputs(one.inputs, scale), value, chip(mark, kinds[mark]) if mark else ""


def _inputs(figures: Mapping[str, float], scale: int) -> Markup:
    shown = ((spelled(name), value / scale) for name, value in figures.items())
    return join(
        el("div", f"{name} ", el("span", f"{v:,.1f}" if scale > 1 else f"{v:,.0f}", cls="whole"))
        for name, v in shown
    )
