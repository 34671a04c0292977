"""What checks worked out, in full: the ownership structure, the credit worksheet."""

from collections.abc import Mapping

from cli.dossier.markup import Markup, chip, day, el, facts, join, sentence, table, words
from workflows.data.ownership import Standing, Structure
from workflows.data.worksheet import Worksheet

STANDINGS = {
    Standing.OWNER: "bad",
    Standing.CONTROLS: "bad",
    Standing.POSSIBLE: "warn",
    Standing.DEAD_END: "warn",
    Standing.BELOW: "plain",
}
MARKS = {"good": "good", "fair": "warn", "poor": "bad"}
ZONES = {"safe": "good", "grey": "warn", "distress": "bad"}


def ownership(found: Structure) -> Markup:
    """Show who holds what, by which chains, and what is not accounted for."""
    rows = [
        (
            h.name,
            " ".join(part for part in (h.kind, h.country) if part),
            h.shares or "-",
            h.votes or "-",
            chip(h.standing, STANDINGS[h.standing]),
            join(el("div", chain) for chain in (*h.paths, *h.means)),
        )
        for h in found.holders
    ]
    heads = ("Holder", "Kind", "Shares", "Votes", "Standing", "Chains and means")
    return join(
        (
            facts(
                (
                    ("Not accounted for", f"{found.unknown_shares} of shares, "
                     f"{found.unknown_votes} of votes"),
                    ("Layers above", str(found.layers)),
                    ("Parties in it", str(found.parties)),
                    ("Stands out", join(el("div", sentence(f.why)) for f in found.flags)),
                )
            ),
            table(heads, rows),
        )
    )  # fmt: skip


def worksheet(work: Worksheet) -> Markup:
    """Show ratios and scores, each with its formula and what was put in."""
    ratios = [
        (
            words(r.name),
            r.formula,
            _inputs(r.inputs),
            f"{r.value:.2f}" if r.value is not None else el("em", r.why),
            chip(r.mark, MARKS[r.mark]) if r.mark else "",
        )
        for r in work.ratios
    ]
    scores = [
        (
            s.name,
            s.formula,
            _inputs(s.inputs),
            f"{s.value:.2f}" if s.value is not None else el("em", s.why),
            chip(s.zone, ZONES[s.zone]) if s.zone else "",
        )
        for s in work.scores
    ]
    worth = work.tangible_net_worth
    return join(
        (
            facts(
                (
                    ("Period", f"{work.months} months to {day(work.end)}"),
                    ("Source", work.source),
                    ("Tangible net worth", f"{work.currency} {worth:,.0f}" if worth else ""),
                    ("Thresholds", work.policy),
                    ("Notes", join(el("div", sentence(n)) for n in (*work.notes, *work.doubts))),
                )
            ),
            table(("Score", "Formula", "Figures", "Value", "Zone"), scores),
            table(("Ratio", "Formula", "Figures", "Value", "Mark"), ratios),
        )
    )


def _inputs(figures: Mapping[str, float]) -> Markup:
    return join(
        el("div", f"{name.replace('_', ' ')} {value:,.4g}")
        if abs(value) < 100
        else el("div", f"{name.replace('_', ' ')} {value:,.0f}")
        for name, value in figures.items()
    )
