"""How the triage of a mail looks to a person: how it was read and answered, and what is left."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from cli.facts import headed, listed, plain
from workflows.data.email_triage import TriageOutcome, TriageResult

_GOOD = (TriageOutcome.ANSWERED, TriageOutcome.ANSWERED_BY_HAND)
_SENT = {
    TriageOutcome.OPEN: "answer, not sent yet",
    TriageOutcome.ANSWERED: "answer",
    TriageOutcome.ANSWERED_BY_HAND: "answer",
    TriageOutcome.UNCLEAR: "answer, perhaps sent",
}


def triage(record: TriageResult) -> RenderableType:
    """Show the result of a mail, or what is known of it so far."""
    read = record.reading
    wrong = [f"{c.text}: {c.why or 'not borne out'}" for c in record.checked if not c.supported]
    total = len(record.checked)
    held = f"{total - len(wrong)} of {total} statements hold" if total else ""
    parts: list[RenderableType] = [
        headed(
            record.case,
            record.outcome,
            good=record.outcome in _GOOD,
            pairs=(
                ("mail", f"{read.category}, sentiment {read.sentiment}"),
                ("urgency", f"{read.urgency}{read.why and f': {read.why}'}"),
                ("way", (record.path or "not chosen yet").replace("_", ", ")),
                ("drafts", str(record.drafts or "")),
                ("fact check", held),
                ("decided by", ", ".join(f"{d.by} ({d.verdict})" for d in record.decisions)),
                ("cost", f"{record.usd:.4f} US$"),
            ),
        ),
        *listed("the writer says", read.points),
        *listed("does not hold", wrong),
        *listed("gaps", record.gaps),
        *listed("open tasks", record.open_tasks),
    ]
    if record.answer:
        sent = _SENT.get(record.outcome, "answer, not sent")
        parts.append(
            Panel(Text(plain(record.answer)), title=sent, title_align="left", expand=False)
        )
    return Group(*parts)
