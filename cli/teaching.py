"""The help of commands that take a process: it lists them, and where their example inputs lie."""

from typing import Any

from rich.console import Console
from rich.table import Table
from typer.core import TyperCommand


class TakesProcess(TyperCommand):
    """Lists the processes below its options; they are imported only then, which takes a moment."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, then the processes."""
        super().format_help(ctx, formatter)
        Console().print(processes())


def processes() -> Table:
    """Show what can be started, a line each."""
    from cli.processes import PROCESSES

    table = Table(
        "PROCESS",
        "what it does",
        box=None,
        caption="Example inputs: cases/PROCESS/*.yaml; of due-diligence: cases/*.yaml",
        caption_justify="left",
    )
    for entry in PROCESSES:
        table.add_row(entry.name, entry.about)
    return table
