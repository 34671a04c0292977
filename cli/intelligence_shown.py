"""How competitive intelligence looks to a person: the briefing, what is new, what is missing."""

from rich.console import Group, RenderableType
from rich.text import Text

from cli.facts import headed, listed, plain
from workflows.data.intelligence import (
    IntelligenceOutcome,
    IntelligenceReport,
    IntelligenceSoFar,
)

_GOOD = (IntelligenceOutcome.COMPLETE, IntelligenceOutcome.ENOUGH)


def intelligence(record: IntelligenceReport) -> RenderableType:
    """Show a report."""
    total = sum(len(r.signals) for r in record.heard.values())
    asked = len(record.contributed) + len(record.missing)
    new = [
        " ".join(filter(None, (str(s.day or ""), f"{s.competitor}:", s.text, s.url)))
        for s in record.new
    ]
    missing = [f"{m.name}: {m.status}{m.why and f', {m.why}'}" for m in record.missing]
    return Group(
        headed(
            record.case,
            record.outcome,
            good=record.outcome in _GOOD,
            pairs=(
                ("since", str(record.since)),
                ("answers", f"{len(record.contributed)} of {asked}, {_signals(total)}"),
                ("in part", ", ".join(record.partial)),
                ("written by", record.written_by),
                ("cost", f"{record.cost_usd:.4f} US$"),
            ),
        ),
        Text(plain(record.headline), style="bold"),
        *listed("claims", [f"{c.text} [{', '.join(c.cites)}]" for c in record.claims]),
        *listed(f"new since the last report: {len(new)}", new),
        *listed("missing", missing),
        *listed("dropped citations", [f"{d.cites}, {d.why}: {d.claim}" for d in record.dropped]),
    )


def heard(record: IntelligenceSoFar) -> RenderableType:
    """Show what was heard, until the report is there."""
    if record.report is not None:
        return intelligence(record.report)
    lines = [
        f"{name}: {_signals(len(r.signals))}{', unread' if r.unread else ''}"
        for name, r in record.heard.items()
    ]
    return Group(*listed("heard so far", lines or ["nothing"]))


def _signals(count: int) -> str:
    return f"{count} signal{'s' if count != 1 else ''}"
