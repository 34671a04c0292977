"""`costs`: what model calls cost, by case, branch, model, vendor, day or call."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.commands import out
from cli.errors import BadInput
from cli.processes import PROCESSES
from runtime.catalogue import Catalogue
from runtime.settings import Settings
from store.costs import CallCost, Costs
from store.database import Store
from workflows.data.common import Record
from workflows.data.llm import Usage

SHOWN = 20
"""Uncertain calls that are named; `--json` has them all."""


class By(StrEnum):
    """What the lines of the report are."""

    CASE = "case"
    BRANCH = "branch"
    MODEL = "model"
    VENDOR = "vendor"
    DAY = "day"
    CALL = "call"


_KEYS: dict[By, Callable[[CallCost], str]] = {
    By.CASE: lambda c: c.scope,
    By.BRANCH: lambda c: c.branch or "(case)",
    By.MODEL: lambda c: c.model,
    By.VENDOR: lambda c: c.vendor,
    By.DAY: lambda c: f"{c.at.astimezone(UTC):%Y-%m-%d}",
    By.CALL: lambda c: (
        f"{c.number} {c.at.astimezone(UTC):%m-%d %H:%M:%S} {c.branch or '(case)'} {c.model}"
    ),
}


class CostLine(Record):
    """Calls that were answered. `saved` is what vendors' caches took off the list price, less what
    writing to them cost; `unpriced` counts calls to models without a known price. The windows are
    shares of what the model's context holds, None where that is not known.
    """

    name: str
    simulated: bool
    calls: int
    usage: Usage
    usd: Decimal
    saved: Decimal
    unpriced: int
    window_mean: float | None
    window_max: float | None


async def report(settings: Settings, case: str, since: str, by: str, *, as_json: bool) -> None:
    """Read the journal and show it. Raises BadInput, SettingsError."""
    day, lines_by = _day(since), _by(by, case)
    if not settings.has_store:
        raise BadInput(f"nothing was asked yet: {settings.data} holds no journal; run a case first")
    catalogue = settings.models
    calls = await _calls(settings, case, day)
    found = lines(calls, _KEYS[lines_by], catalogue)
    totals = lines(calls, lambda _: "total", catalogue)
    unanswered = [c for c in calls if c.usage is None]
    if as_json:
        out(_plain(found, totals, unanswered))
    else:
        Console().print(Group(*_shown(lines_by, found, totals, unanswered)))


async def _calls(settings: Settings, case: str, since: datetime | None) -> list[CallCost]:
    async with Store.opened(settings.database) as store:
        costs = Costs(store)
        scope = ""
        if case:
            found = await costs.newest(case, [f"{e.prefix}-{case}-" for e in PROCESSES])
            if found is None:
                raise BadInput(
                    f"the journal holds no call of {case!r}: it asked nothing yet, or only what its"
                    " origin had paid for; `costs` alone lists all cases"
                )
            scope = found
        return await costs.calls(scope, since)


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC) if text else None
    except ValueError as error:
        raise BadInput(f"--since {text!r}: write a day that exists, as 2026-11-20") from error


def _by(text: str, case: str) -> By:
    if not text:
        return By.BRANCH if case else By.CASE
    if text not in set(By):
        raise BadInput(f"--by {text!r}: say {', '.join(By)}")
    return By(text)


def lines(
    calls: Iterable[CallCost], key: Callable[[CallCost], str], catalogue: Catalogue
) -> list[CostLine]:
    """Sum the answered calls by key, real ones and simulated ones apart, in order of appearance."""
    groups: dict[tuple[bool, str], list[tuple[CallCost, Usage]]] = {}
    for call in calls:
        if call.usage is not None:
            groups.setdefault((call.simulated, key(call)), []).append((call, call.usage))
    return [_line(name, simulated, held, catalogue) for (simulated, name), held in groups.items()]


def _line(
    name: str, simulated: bool, held: Sequence[tuple[CallCost, Usage]], catalogue: Catalogue
) -> CostLine:
    saved = [_saved(call, usage, catalogue) for call, usage in held]
    shares = [share for call, usage in held if (share := _window(call, usage, catalogue))]
    return CostLine(
        name=name,
        simulated=simulated,
        calls=len(held),
        usage=Usage(**{f: sum(getattr(u, f) for _, u in held) for f in Usage.model_fields}),
        usd=sum((call.usd for call, _ in held), Decimal(0)),
        saved=sum((s for s in saved if s is not None), Decimal(0)),
        unpriced=saved.count(None),
        window_mean=sum(shares) / len(shares) if shares else None,
        window_max=max(shares, default=None),
    )


def _saved(call: CallCost, usage: Usage, catalogue: Catalogue) -> Decimal | None:
    """Say what its vendor's cache took off a call, None without a list price for its day."""
    if call.model not in catalogue.models:
        return None
    fresh = usage.model_copy(update={"cached_tokens": 0, "cache_write_tokens": 0})
    day = call.at.astimezone(UTC).date()
    plain, kept = (catalogue.usd(call.model, u, day) for u in (fresh, usage))
    if plain is None or kept is None:
        return None
    # What was paid may be less than the list price, as in a batch: so was what was saved.
    return (plain - kept) * call.usd / kept if kept else plain - kept


def _window(call: CallCost, usage: Usage, catalogue: Catalogue) -> float | None:
    known = call.model in catalogue.models and catalogue.window(call.model)
    return usage.input_tokens / known if known else None


def _plain(
    found: Sequence[CostLine], totals: Sequence[CostLine], unanswered: Sequence[CallCost]
) -> dict[str, Any]:
    return {
        "lines": [line.model_dump(mode="json") for line in found],
        "totals": [line.model_dump(mode="json") for line in totals],
        "uncertain": [
            {"case": c.scope, "branch": c.branch, "model": c.model, "state": c.state, "at": c.at}
            for c in unanswered
        ],
    }


def _shown(
    by: By, found: Sequence[CostLine], totals: Sequence[CostLine], unanswered: Sequence[CallCost]
) -> Iterator[RenderableType]:
    if not totals:
        yield Text("no model has answered")
    for total in totals:
        title = "simulated: nothing was paid" if total.simulated else "paid"
        rows = [line for line in found if line.simulated == total.simulated]
        if by not in (By.DAY, By.CALL):
            rows.sort(key=lambda line: -line.usd)
        yield _table(by, title, [*rows, total])
        if total.unpriced:
            yield Text(f"{total.unpriced} calls to models without a known price", style="yellow")
        yield Text()
    yield from _uncertain(unanswered)


def _table(by: By, title: str, rows: Sequence[CostLine]) -> Table:
    table = Table(
        box=None, pad_edge=False, collapse_padding=True, title=title, title_justify="left"
    )
    table.add_column(by, overflow="fold")
    told = [_cells(row) for row in rows]
    # The last row is the total; what it has nothing of would only take place from the names.
    columns = [name for name, cell in told[-1].items() if cell]
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row, cells in zip(rows, told, strict=True):
        style = "bold" if row is rows[-1] else ""
        table.add_row(Text(row.name), *(cells[name] for name in columns), style=style)
    return table


def _cells(row: CostLine) -> dict[str, str]:
    u = row.usage
    return {
        "calls": f"{row.calls:,}",
        "input": f"{u.input_tokens:,}",
        "cached": f"{u.cached_tokens / u.input_tokens:.0%}" if u.cached_tokens else "",
        "output": f"{u.output_tokens:,}",
        "reasoning": f"{u.reasoning_tokens:,}" if u.reasoning_tokens else "",
        "window": f"{row.window_max:.2%}" if row.window_max else "",
        "saved": f"{row.saved:.6f}" if row.saved else "",
        "US$": f"{row.usd:.6f}",
    }


def _uncertain(unanswered: Sequence[CallCost]) -> Iterator[RenderableType]:
    n = len(unanswered)
    if not n:
        yield Text("uncertain: none", style="dim")
        return
    yield Text(f"uncertain: {n} sent, without an answer yet; may have been billed", style="yellow")
    table = Table(box=None, pad_edge=False)
    for column in ("sent", "case", "branch", "model", "state"):
        table.add_column(column, overflow="fold")
    for c in unanswered[-SHOWN:]:
        sent = f"{c.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        table.add_row(sent, Text(c.scope), Text(c.branch), c.model, c.state)
    yield table
    if n > SHOWN:
        yield Text(f"and {n - SHOWN} earlier ones: --json lists them", style="dim")
