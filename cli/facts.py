"""Facts as lines `name  value`, as most results are shown."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from insight.shown.words import clear

MOST = 20
"""Lines of a list that are shown; `--json` has them all."""


def plain(text: str) -> str:
    """Keep a foreign text from steering the terminal; its lines stay lines."""
    return "\n".join(clear(line) for line in text.splitlines())


def headed(title: str, state: str, *, good: bool, pairs: Iterable[tuple[str, str]]) -> Group:
    """Show what a case came to, then the facts that are not empty."""
    head = Text(f"{title}: ", style="bold")
    head.append(state.replace("_", " "), style="bold green" if good else "bold yellow")
    table = Table.grid(padding=(0, 2))
    for name, value in pairs:
        if value:
            table.add_row(Text(name, style="dim"), Text(plain(value)))
    return Group(head, table)


def listed(title: str, lines: Sequence[str]) -> list[RenderableType]:
    """Show a list under its title; nothing of an empty one."""
    if not lines:
        return []
    more = [f"and {len(lines) - MOST} more, see --json"] if len(lines) > MOST else []
    return [Text(title, style="italic"), *(Text(plain(f"  - {x}")) for x in (*lines[:MOST], *more))]
