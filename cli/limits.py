"""`limits`: what each vendor and model allows, what is used of it, and changes of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.commands import out
from cli.errors import BadInput
from runtime.catalogue import Catalogue
from runtime.settings import LIVE_BASES, Settings
from store.breakers import Breakers, BreakerState, BreakerView
from store.database import Store
from store.limits import Override, Overrides, override, overrides, weigh
from store.pool_states import PoolState, pool_states
from workflows.data.limits import Limits

Shown = tuple[PoolState, BreakerView | None]


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
    catalogue = settings.models
    async with Store.opened(settings.database) as store:
        yield store, catalogue


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
) -> list[Shown]:
    views = {view.service: view for view in await Breakers(store).views()}
    named = [(vendor, "") for vendor in (*catalogue.vendors, *views)]
    named += [(model.vendor, name) for name, model in catalogue.models.items()]
    states = await pool_states(store, catalogue.limits, [*named, *([only] if only else [])])
    shown = [(s, None if s.model else views.get(s.service)) for s in states]
    if only:
        return [one for one in shown if (one[0].service, one[0].model) == only]
    return [one for one in shown if _tells(*one)]


def _tells(state: PoolState, breaker: BreakerView | None) -> bool:
    """Say whether there is anything to know of a pool."""
    open_ = breaker is not None and breaker.state is not BreakerState.CLOSED
    used = state.paused_until or state.flying or state.waiting
    return bool(open_ or used or not state.limits.unlimited)


def _draw(shown: Sequence[Shown], *, as_json: bool) -> None:
    if as_json:
        out([_json(state, breaker) for state, breaker in shown])
        return
    table = Table(box=None, pad_edge=False, collapse_padding=True)  # fits 80 columns
    for column in ("service", "model", "requests", "tokens", "per", "at once", "waiting", "state"):
        table.add_column(column, overflow="fold")
    for s, breaker in shown:
        table.add_row(
            *(Text(s.service), Text(s.model or "all"), *_used(s)),
            *(Text(_waiting(s.waiting)), Text(_state(s, breaker))),
        )
    Console().print(table)


def _json(state: PoolState, breaker: BreakerView | None) -> dict[str, object]:
    seen = asdict(breaker) if breaker else None
    return asdict(state) | {"limits": state.limits.model_dump(), "breaker": seen}


def _used(state: PoolState) -> tuple[str, str, str, str]:
    limits = state.limits
    requests = f"{state.used:,} of {limits.requests:,}" if limits.requests is not None else ""
    tokens = f"{state.tokens:,} of {limits.tokens:,}" if limits.tokens is not None else ""
    per = f"{limits.per:g} s" if requests or tokens else ""
    places = "" if limits.concurrency is None else f" of {limits.concurrency:,}"
    return requests, tokens, per, f"{state.flying:,}{places}"


def _waiting(tenants: Mapping[str, int]) -> str:
    """Say how many wait, by tenant where any has a name."""
    if set(tenants) == {""}:
        return str(tenants[""])
    return ", ".join(f"{name or '(none)'} {n}" for name, n in sorted(tenants.items()))


def _state(state: PoolState, breaker: BreakerView | None) -> str:
    parts = []
    if breaker is not None and breaker.state is not BreakerState.CLOSED:
        until = f" until {breaker.until:%H:%M:%S} UTC" if breaker.until else ""
        probe = breaker.state is BreakerState.HALF_OPEN
        parts.append(
            "breaker half open: the next call is a probe"
            if probe
            else f"breaker open{until}: {breaker.share:.0%} of calls failed"
        )
    if state.paused:
        parts.append("paused")
    elif state.paused_until:
        parts.append(f"left alone until {state.paused_until:%H:%M:%S} UTC")
    if state.factor < 1:
        parts.append(f"{state.factor:.0%} of it since a 429")
    if state.set:
        parts.append("set")
    return "; ".join(parts)
