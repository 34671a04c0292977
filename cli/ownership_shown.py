"""A company's owners, as `ownership` shows them; which company is meant."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.bods import BodsFile
from cli.errors import BadInput
from workflows.data.ownership import Band, Standing, Structure

LOOKED_AT = 100
"""Companies among which the one to show is chosen if none is named."""
SHOWN = 40
"""Holders shown; `--json` has them all."""
_WORDS = {
    Standing.OWNER: "beneficial owner",
    Standing.POSSIBLE: "may be an owner",
    Standing.CONTROLS: "controls",
    Standing.DEAD_END: "nobody behind it named",
    Standing.BELOW: "under 25 %",
}


def subject(read: BodsFile, of: str) -> str:
    """Give the party that is meant. Raises BadInput, naming some of those there are."""
    graph = read.graph
    if not of:
        holders = {h for held in graph.owners.values() for h in held}
        lowest = [c for c in graph.owners if c not in holders][:LOOKED_AT]
        first = next(iter(graph.owners or graph.parties))
        return max(lowest, key=lambda c: len(graph.above(c)), default=first)
    wanted = of.strip().casefold()
    for key, holder in graph.parties.items():
        numbers = {i.value.casefold() for i in holder.identifiers}
        if wanted in {key.casefold(), holder.name.casefold(), *numbers}:
            return key
    if of in read.records:
        return read.records[of]
    some = ", ".join(f"{graph.parties[c].name} ({c})" for c in list(graph.owners)[:5])
    raise BadInput(f"--of {of}: no such party in the file; there are {some} and others")


def shown(found: Structure, read: BodsFile) -> list[RenderableType]:
    """Draw a structure for a terminal."""
    head = Text(f"{found.name}  ", style="bold")
    head.append(f"{found.parties - 1} above it, {found.layers} layers", style="dim")
    table = Table(box=None, pad_edge=False)
    for name in ("holder", "shares", "votes", "verdict", "chain"):
        table.add_column(name, overflow="fold")
    for stake in found.holders[:SHOWN]:
        more = ["..."] if stake.more_paths else []
        verdict = ", ".join([_WORDS[stake.standing], *stake.means])
        chains = Text("\n".join([*stake.paths, *more]), style="dim")
        country = f" ({stake.country})" if stake.country else ""
        table.add_row(
            f"{stake.name}{country}", _band(stake.shares), _band(stake.votes), verdict, chains
        )
    lines: list[RenderableType] = [head, table if found.holders else Text("nobody is named")]
    if len(found.holders) > SHOWN:
        lines.append(Text(f"and {len(found.holders) - SHOWN} more holders (--json)", style="dim"))
    lines.append(
        Text(f"not accounted for: {found.unknown_shares} of shares, {found.unknown_votes} of votes")
    )
    lines += [Text(f"{f.flag}: {f.why}", style="yellow") for f in found.flags]
    lines += [Text(f"left out: {n} {why}", style="dim") for why, n in read.left_out.items()]
    return lines


def _band(band: Band | None) -> str:
    return str(band) if band else "-"
