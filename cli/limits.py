"""`limits`: what each vendor and model allows, what is used of it, and changes of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.commands import out
from cli.errors import BadInput
from runtime.catalogue import Catalogue, CatalogueError, load
from runtime.settings import LIVE_BASES, Settings
from store.database import Store
from store.limits import Override, Overrides, override, overrides, weigh
from store.pool_states import PoolState, pool_states
from workflows.data.limits import Limits


async def show(settings: Settings, *, as_json: bool) -> None:
    """Show all pools that are limited, used or set."""
    async with _opened(settings) as (store, catalogue):
        _draw(await _states(store, catalogue), as_json=as_json)


async def change(
    settings: Settings,
    service: str,
    model: str,
    given: Mapping[str, float],
    *,
    as_json: bool,
) -> None:
    """Set limits. Those not named stay; over other seconds, they stay as many a second."""
    if not given:
        raise BadInput("say what to set: --requests, --tokens, --concurrency or --per")
    async with _opened(settings) as (store, catalogue):
        _known(catalogue, service, model)
        there = await _overrides(store)
        before = there.pools.get((service, model), Override())
        now = before.limits or catalogue.limits(service, model)
        over = given.get("per", now.per) / now.per
        kept = {
            name: round(value * over)
            for name in ("requests", "tokens")
            if (value := getattr(now, name)) is not None
        }
        limits = Limits.model_validate(now.model_dump() | kept | dict(given))
        await override(store, service, model, Override(limits, before.paused))
        _draw(await _states(store, catalogue, only=(service, model)), as_json=as_json)


async def pause(settings: Settings, service: str, model: str, *, on: bool, as_json: bool) -> None:
    """Pause a service or model, or end its pause."""
    async with _opened(settings) as (store, catalogue):
        _known(catalogue, service, model)
        before = (await _overrides(store)).pools.get((service, model), Override())
        await override(store, service, model, Override(before.limits, paused=on))
        _draw(await _states(store, catalogue, only=(service, model)), as_json=as_json)


async def clear(settings: Settings, service: str, model: str, *, as_json: bool) -> None:
    """Go back to the catalogue's limits."""
    async with _opened(settings) as (store, catalogue):
        _known(catalogue, service, model)
        await override(store, service, model, Override())
        _draw(await _states(store, catalogue, only=(service, model)), as_json=as_json)


async def weight(settings: Settings, tenant: str, weight: float, *, as_json: bool) -> None:
    """Set a tenant's weight."""
    async with _opened(settings) as (store, _):
        await weigh(store, tenant, weight)
    if as_json:
        out({"tenant": tenant, "weight": weight})
    else:
        Console().print(f"{tenant} has weight {weight:g}", markup=False)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Store, Catalogue]]:
    try:
        catalogue = load(settings.catalogue)
    except CatalogueError as wrong:
        raise BadInput(str(wrong)) from wrong
    store = await Store.open(settings.database)
    try:
        yield store, catalogue
    finally:
        await store.close()


def _known(catalogue: Catalogue, service: str, model: str) -> None:
    services = sorted({*catalogue.vendors, *LIVE_BASES})
    if service not in services:
        raise BadInput(f"there is no service {service!r}; say one of {', '.join(services)}")
    models = sorted(name for name, m in catalogue.models.items() if m.vendor == service)
    if model and model not in models:
        known = ", ".join(models) or "none"
        raise BadInput(f"{service} has no model {model!r} in the catalogue; it has {known}")


async def _overrides(store: Store) -> Overrides:
    async with store.reading() as connection:
        return await overrides(connection)


async def _states(
    store: Store, catalogue: Catalogue, only: tuple[str, str] | None = None
) -> list[PoolState]:
    models = [(m.vendor, name) for name, m in catalogue.models.items()]
    named = [(vendor, "") for vendor in catalogue.vendors] + models
    states = await pool_states(store, catalogue.limits, [*named, *([only] if only else [])])
    if only:
        return [s for s in states if (s.service, s.model) == only]
    return [s for s in states if _tells(s)]


def _tells(state: PoolState) -> bool:
    """Say whether there is anything to know of a pool."""
    return bool(not state.limits.unlimited or state.paused_until or state.flying or state.waiting)


def _draw(states: Sequence[PoolState], *, as_json: bool) -> None:
    if as_json:
        out([asdict(s) | {"limits": s.limits.model_dump()} for s in states])
        return
    table = Table(box=None, pad_edge=False)
    for column in ("service", "model", "requests", "tokens", "at once", "waiting", "state"):
        table.add_column(column, overflow="fold")
    for s in states:
        table.add_row(
            *(Text(s.service), Text(s.model or "all"), *_used(s)),
            *(Text(_waiting(s.waiting)), Text(_state(s))),
        )
    Console().print(table)


def _used(state: PoolState) -> tuple[str, str, str]:
    limits = state.limits
    per = f" in {limits.per:g} s"
    requests = f"{state.used:,} of {limits.requests:,}{per}" if limits.requests is not None else ""
    tokens = f"{state.tokens:,} of {limits.tokens:,}{per}" if limits.tokens is not None else ""
    places = "" if limits.concurrency is None else f" of {limits.concurrency:,}"
    return requests, tokens, f"{state.flying:,}{places}"


def _waiting(tenants: Mapping[str, int]) -> str:
    named = [f"{name or '(no tenant)'} {n}" for name, n in sorted(tenants.items())]
    return ", ".join(named)


def _state(state: PoolState) -> str:
    parts = []
    if state.paused:
        parts.append("paused")
    elif state.paused_until:
        parts.append(f"left alone until {state.paused_until:%H:%M:%S} UTC")
    if state.factor < 1:
        parts.append(f"{state.factor:.0%} of it since a 429")
    if state.set:
        parts.append("set by hand")
    return "; ".join(parts)
