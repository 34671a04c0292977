"""How a support request looks to a person: who answered it, who tried before, when it was due."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from cli.facts import headed, listed, plain
from workflows.data.support import SupportOutcome, SupportResult


def support(record: SupportResult) -> RenderableType:
    """Show how a request was resolved, or what is known of it so far."""
    tried = (f"{a.by} {a.state}" + (f" ({a.why})" if a.why else "") for a in record.attempts)
    about = f"{record.type}, {record.risk} risk, {record.tier}; {record.path} first"
    due = f"{record.due:%Y-%m-%d %H:%M} UTC" if record.due else ""
    kept = f", {'told in time' if record.in_time else 'told too late'}" if record.told else ""
    parts: list[RenderableType] = [
        headed(
            record.case,
            record.outcome or "under way",
            good=record.outcome is SupportOutcome.ANSWERED,
            pairs=(
                ("about", about if record.path else ""),
                ("tried", "; ".join(tried)),
                ("by", record.by),
                ("from", ", ".join(record.cites)),
                ("due", f"{due}{kept}"),
                ("customer", f"told by {record.told}" if record.told else ""),
            ),
        ),
        *listed("gaps", record.gaps),
    ]
    if record.answer:
        title = "answer" if record.told else "answer, not sent yet"
        answer = Text(plain(record.answer))
        parts.append(Panel(answer, title=title, title_align="left", expand=False))
    return Group(*parts)
