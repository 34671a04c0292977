"""How a regulatory submission looks to a person: each version of a phase, gaps, amendments."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.facts import plain
from workflows.data.phases import PhaseVersion
from workflows.data.submission import SubmissionRecord, SubmissionSoFar

_STYLE = {"ready": "bold green", "refused": "bold red", "expired": "bold yellow"}
SHORT = 12
"""Characters of a hash that tell versions apart for the eye."""


def submission(record: SubmissionSoFar) -> RenderableType:
    """Show the phases, and of a submission that ended, what became of it."""
    parts: list[RenderableType] = []
    if isinstance(record, SubmissionRecord):
        head = Text(record.case, style="bold")
        head.append(f"  {record.outcome}", style=_STYLE[record.outcome])
        parts += [head, Text(f"bundle {record.bundle or 'not locked'}  cost ${record.cost_usd}")]
    table = Table(box=None, pad_edge=False)
    for column in ("phase", "version", "sha256", "made from", "state"):
        table.add_column(column)
    for one in record.versions:
        made_from = ", ".join(f"{phase} {told[:SHORT]}" for phase, told in one.sources.items())
        table.add_row(
            one.phase, str(one.version), one.hash[:SHORT], made_from, Text(plain(_state(one)))
        )
    parts.append(table)
    for made in record.amendments:
        fell = ", ".join(made.fell)
        said = f"{made.phase} opened again by {made.by}: {made.reason} (fell: {fell})"
        parts.append(Text(plain(said)))
    if isinstance(record, SubmissionRecord):
        parts += [Text(plain(f"gap {gap}"), style="yellow") for gap in record.gaps]
    return Group(*parts)


def _state(one: PhaseVersion) -> str:
    signed = ", ".join(f"{s.user}: {s.comment}" if s.comment else s.user for s in one.signed)
    if one.fell:
        return f"fell: {one.fell}"
    return f"locked, signed by {signed}" if signed else "to be signed"
