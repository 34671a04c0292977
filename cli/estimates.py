"""`estimates`: what was learned of how long steps take, and how sure that is."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.commands import out
from cli.errors import BadInput, Trouble
from cli.learning import learn_new, steps
from cli.session import Session, say
from insight.learned.estimates import Estimate, estimates
from insight.shown.words import clear, length, percent
from runtime.settings import Settings
from store.database import Store
from store.errors import StoreError
from store.estimates import Estimates, Snapshot

WIRE = "models on the wire, over all processes"
"""The group of what the journal knows."""
_COLUMNS = ("calls", "works", "p50", "p95", "give or\ntake", "p99", "queue\np95", "slow", "since")
_LEGEND = (
    "p95: right within the factor beside it, with a chance of 90 %; works: of single attempts;"
    " queue: until a worker took it up; slow: share of stragglers; since: snapshot"
)


async def from_store(settings: Settings, named: str, at: int | None, *, as_json: bool) -> None:
    """Show what the store holds. Raises BadInput."""
    if not settings.has_store:
        raise BadInput(f"nothing was learned yet: {settings.data} holds no store; run a case first")
    async with Store.opened(settings.database) as store:
        await show(store, named, at, as_json=as_json)


async def learned(here: Session, named: str, at: int | None, *, as_json: bool) -> None:
    """Learn what is new, then show. Raises BadInput; Trouble if others learned meanwhile."""
    async with Store.opened(here.settings.database) as store:
        try:
            new = await learn_new(here, store, datetime.now(UTC))
        except StoreError as taken:
            raise Trouble(str(taken)) from taken
        say(f"wrote snapshot {new.number}" if new else "nothing new to learn from")
        await show(store, named, at, as_json=as_json)


async def show(store: Store, named: str, at: int | None, *, as_json: bool) -> None:
    """Show the estimates of the newest snapshot, or of snapshot `at`; `named` is a process, step,
    vendor or model. Raises BadInput if there is no such thing.
    """
    kept = Estimates(store)
    if (newest := await kept.snapshot()) is None:
        raise BadInput("nothing was learned yet: run some cases, then `estimates --learn`")
    if (snapshot := newest if at is None else await kept.snapshot(at)) is None:
        raise BadInput(f"there is no snapshot {at}; the newest is {newest.number}")
    rows = await kept.rows(snapshot.number)
    # The priors rest on all steps, so all are estimated, whatever is asked for.
    found = list(zip(estimates(steps(rows)), (row.snapshot for row in rows), strict=True))
    chosen = [(e, since) for e, since in found if not named or named in _names(e)]
    if not chosen:
        known = sorted({n for e, _ in found for n in _names(e)})
        raise BadInput(f"nothing is known of {named!r}; say one of {', '.join(known)}")
    if as_json:
        lines = [e.model_dump(mode="json") | {"since": since} for e, since in chosen]
        out({"snapshot": snapshot.number, "as_of": snapshot.as_of, "estimates": lines})
    else:
        Console().print(Group(*_shown(chosen, snapshot)))


def _names(e: Estimate) -> set[str]:
    return {e.key.process, e.key.step, e.key.vendor, e.key.model} - {""}


def _shown(chosen: Sequence[tuple[Estimate, int]], snapshot: Snapshot) -> Iterator[RenderableType]:
    groups: dict[tuple[str, bool], list[tuple[Estimate, int]]] = {}
    for e, since in chosen:
        groups.setdefault((e.key.process, e.key.simulated), []).append((e, since))
    for (process, simulated), held in sorted(groups.items(), key=lambda g: (not g[0][0], g[0])):
        title = clear(process or WIRE) + (", simulated" if simulated else "")
        table = Table(box=None, pad_edge=False, collapse_padding=True, title=title)
        table.title_justify = "left"
        table.add_column("step", overflow="fold")
        for column in _COLUMNS:
            table.add_column(column, justify="right", overflow="fold")
        for e, since in sorted(held, key=lambda line: -line[0].p95.value):
            table.add_row(*_cells(e, since))
        yield table
        yield Text()
    yield Text(_LEGEND, style="dim")
    told = f"snapshot {snapshot.number}, as of {snapshot.as_of:%Y-%m-%d %H:%M:%S} UTC"
    yield Text(f"{told}: {snapshot.runs} runs and {snapshot.calls} calls were new", style="dim")


def _cells(e: Estimate, since: int) -> list[str | Text]:
    named = clear(" ".join(word for word in (e.key.step, e.key.model) if word))
    changed = f" (changed {e.changes}x)" if e.changes else ""
    unsure = f"x{e.p95.high / e.p95.value:.1f}"
    queue = "" if e.queue_p95 is None else _time(e.queue_p95)
    works, slow = percent(e.success.value), percent(e.stragglers)
    times = [_time(e.p50), _time(e.p95.value), unsure, _time(e.p99), queue]
    return [Text(named + changed), f"{e.calls:,}", works, *times, slow, str(since)]


def _time(seconds: float) -> str:
    return length(timedelta(seconds=min(seconds, 1e9)))
