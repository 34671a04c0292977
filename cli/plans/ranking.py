"""Processes ranked by what parallel work would save: `plan DIR --volumes FILE`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.errors import BadInput
from cli.plans.reading import Planned, planned
from cli.plans.taught import Known
from insight.plan.analysis import saved_by
from insight.plan.critical import critical
from insight.plan.graph import Graph
from insight.plan.savings import Savings, Volume
from insight.plan.sheet import seconds
from runtime.catalogue import Catalogue
from workflows.data.common import Record


class Ranked(Record):
    """One process: cases a day, expected model calls a case, steps that can run beside another.

    `assumed` says what was taken for granted.
    """

    name: str
    file: str
    a_day: float | None
    model_calls: float
    free: int
    in_order: float
    bound: float
    savings: Savings | None
    assumed: tuple[str, ...]


def ranked(
    folder: Path,
    volumes: Mapping[str, Volume],
    catalogue: Catalogue,
    known: Known | None,
    apart: Path | None = None,
) -> tuple[Ranked, ...]:
    """Rank the blueprints of a folder by their yearly saving, those without a volume last.

    `apart` is the file of the volumes, should it lie there too.

    Raises BadInput if there are none, or a volume is of none of them.
    """
    files = sorted(
        path for path in folder.glob("*.yaml") if apart is None or not path.samefile(apart)
    )
    found = [_ranked(path, planned(path, catalogue, known), volumes) for path in files]
    if not found:
        raise BadInput(f"{folder}: holds no blueprint; name a folder of NAME.yaml files")
    names = {one.name for one in found}
    if strange := [name for name in volumes if name not in names]:
        raise BadInput(
            f"volumes: no blueprint is called {strange[0]!r}; there are {', '.join(sorted(names))}"
        )
    return tuple(sorted(found, key=_rank))


def _rank(one: Ranked) -> tuple[bool, float, int, str]:
    hours = one.savings.net_hours if one.savings else 0.0
    return one.savings is None, -hours, -one.free, one.name


def _ranked(path: Path, of: Planned, volumes: Mapping[str, Volume]) -> Ranked:
    found, volume = critical(of.plan), volumes.get(of.blueprint.name)
    asks = [step for step in of.plan.steps if of.blueprint.steps[step.id].ask]
    return Ranked(
        name=of.blueprint.name,
        file=str(path),
        a_day=None if volume is None else volume.a_day,
        model_calls=sum(step.times * step.chance for step in asks),
        free=len(Graph(of.plan).free),
        in_order=found.machine_in_order,
        bound=found.machine,
        savings=None if volume is None else saved_by(of.plan, found, volume),
        assumed=of.assumed,
    )


def shown(found: Sequence[Ranked]) -> RenderableType:
    """Show them in a table, the best first."""
    table = Table(box=None, pad_edge=False)
    columns = ("cases\na day", "model\ncalls", "beside\nanother", "in order", "at once")
    table.add_column("process", overflow="fold")
    for column in (*columns, "hours\na year", "money\na year"):
        table.add_column(column, justify="right")
    for one in found:
        saved = one.savings
        money = saved.net_money if saved else None
        table.add_row(
            one.name,
            "-" if one.a_day is None else f"{one.a_day:,.4g}",
            f"{one.model_calls:.3g}",
            str(one.free),
            seconds(one.in_order),
            seconds(one.bound),
            "-" if saved is None else f"{saved.net_hours:,.1f}",
            "-" if money is None else f"{money:,.0f}",
        )
    said = "machine time, coordination taken off; beside another: steps that need not wait in line"
    notes = [Text(said, style="dim")]
    if any(one.assumed for one in found):
        told = "some of it is taken for granted: `plan FILE` tells what, or --json"
        notes.append(Text(told, style="dim"))
    return Group(table, *notes)
