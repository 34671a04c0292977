"""Measure the model gateway: the proofs of its promises, with figures.

`.venv/bin/python bench/models.py` (about eight minutes) prints tables, `--json` an object;
`--only kills,budget` runs some parts. Parts: exchanges (recorded replies of real vendors), limits
(two worker processes against an enforcing vendor), kills (1,000 calls, a worker killed every
second), budget (ten branches on half of what they need), cascade, endings (hung, dripping and cut
streams, errors under 200). Vendors are simulated over real HTTP; the server is the embedded one.
"""

import argparse
import asyncio
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table
from temporalio.exceptions import ApplicationError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from activities.journalled import CallDesk
from activities.llm.ask import ModelActivities
from activities.wire import Wire
from bench import exchanges, limits
from runtime import server
from runtime.context import CallContext, within_call
from runtime.logs import configure
from runtime.processes import leave
from runtime.settings import ROOT, Settings
from simulator.config import SimulatorConfig
from store.admission import Admission
from store.database import Store
from tests.flows.gateway import Many, Shared, SharedBudget, Sharing, question
from tests.flows.strategies import Asked, Said, strategy
from tests.support.flows import killable
from tests.support.killing import WORLD, killed_every, simulated
from workflows.calls import Call, open_door
from workflows.data.common import Record
from workflows.data.llm import RoleQuery
from workflows.data.readings import ReferenceReading
from workflows.grades import Grade

Figures = dict[str, Any]
RECORDED = ROOT.parent / "shared" / "data" / "model_http"
HOPELESS = timedelta(seconds=2)
"""The gateway's patience with a model in the part `endings`; in production it is minutes."""
CASES, CALLS, AT_ONCE = 10, 100, 20
SPOILT = ("hang", "drip", "cut", "unfinished", "error_in_stream", "error_under_200", "html")


@dataclass(frozen=True)
class Options:
    """What was asked for: seconds of each limit, and where the embedded server answers."""

    seconds: float
    address: str
    data: Path


# ---- parts -----------------------------------------------------------------------------------


async def recorded(_options: Options) -> Figures:
    """Read the recorded exchanges: what became of them, and whether one could not be read."""
    if not RECORDED.is_dir():
        return {"skipped": "../shared/data/model_http is not here"}
    found = list(exchanges.lines(RECORDED))
    return {
        "files": len(found),
        "outcomes": dict(Counter(str(line["outcome"]) for line in found)),
        "postures": dict(Counter(str(line["posture"]) for line in found)),
    }


async def limited(options: Options) -> Figures:
    """Hold limits over two processes: share of the limit used, and refusals."""
    found = await limits.measure_all(options.seconds)
    return {one.name: {k: v for k, v in asdict(one).items() if k != "name"} for one in found}


async def killed(options: Options) -> Figures:
    """Kill a worker every second while 1,000 calls are made, in each grade."""
    found: Figures = {}
    for grade in Grade:
        data = options.data / f"kills-{grade}"
        await asyncio.to_thread(data.mkdir)
        cases = [Many(case=f"c-{n}", calls=CALLS, at_once=AT_ONCE) for n in range(CASES)]
        tally = await killed_every(options.address, data, cases, seconds=1, kills=60, grade=grade)
        told = asdict(tally) | {"kills": len(tally.in_flight), "in_flight": sum(tally.in_flight)}
        found[str(grade)] = told
    return found


async def budgeted(options: Options) -> Figures:
    """Let ten branches share half of what they need: what was spent, and who answered."""
    worst = Decimal("0.00125")  # a question to the analyst, 200 tokens out at $5 a million
    given = Sharing(case="b", branches=10, usd=worst * 5)
    data = options.data / "budget"
    await asyncio.to_thread(data.mkdir)
    config = SimulatorConfig(speed=100.0, error_rate=0)
    async with simulated(data, config), killable(options.address, WORLD, data) as here:
        shared = Shared.model_validate(await here.flows.run(SharedBudget, given))
    return {
        "budget usd": str(given.usd),
        "spent usd": str(shared.budget.spent.usd),
        "by the analyst": shared.by_analyst,
        "by the cheaper role": shared.by_cheap,
        "refused": shared.refused,
        "measures": [taken.why for taken in shared.taken],
    }


async def cascaded(options: Options) -> Figures:
    """Ask three models in a cascade; the first is sure."""
    async with gateway(options.data / "cascade") as (models, control):
        with within_call(CONTEXT), open_door(_door(models)):
            said: Said = await strategy.work(Asked(how="cascade"))
        billed = (await control.get("/_simulator/book")).json()["billed"]
    assert said.cascade is not None
    states = {reply.who: reply.state for reply in said.cascade.replies}
    return {"billed": billed, **states}


async def ended(options: Options) -> Figures:
    """Spoil one reply in each way: how it ended, and after how many seconds."""
    found: Figures = {}
    for number, kind in enumerate(SPOILT):
        async with gateway(options.data / f"ending-{kind}") as (models, control):
            fault = {"service": "openai", "kind": kind, "times": 1, "seconds": 0.1}
            (await control.put("/_simulator/faults", json=[fault])).raise_for_status()
            began = time.perf_counter()
            outcome, retried = await _spoilt(models, number)
        took = round(time.perf_counter() - began, 2)
        found[kind] = {"error": outcome, "retried": retried, "seconds": took}
    return found


async def _spoilt(models: ModelActivities, number: int) -> tuple[str, bool]:
    try:
        with within_call(CONTEXT):
            await models.ask_model(question("endings", number))
    except ApplicationError as error:
        return error.type or "", not error.non_retryable
    return "answered", False


PARTS: dict[str, Callable[[Options], Awaitable[Figures]]] = {
    "exchanges": recorded,
    "limits": limited,
    "kills": killed,
    "budget": budgeted,
    "cascade": cascaded,
    "endings": ended,
}

# ---- a gateway without a server ----------------------------------------------------------------

CONTEXT = CallContext("bench", "", "bench", 1)


@asynccontextmanager
async def gateway(data: Path) -> AsyncIterator[tuple[ModelActivities, httpx.AsyncClient]]:
    """Open the product's doors to models in this process, on a simulator of their own."""
    await asyncio.to_thread(data.mkdir)
    patience = HOPELESS.total_seconds()
    async with simulated(data, SimulatorConfig(speed=100.0, error_rate=0)) as control:
        settings = Settings(
            data=data,
            simulator=str(control.base_url),
            model_timeout=patience,
            model_idle_timeout=patience / 2,
        )
        store, wire = await Store.open(settings.database), Wire(settings)
        desk = CallDesk(store, wire, Admission(store, settings.models.limits, "bench"))
        answers: dict[str, type[Record]] = {"ReferenceReading": ReferenceReading}
        try:
            yield ModelActivities(settings, settings.models, desk, answers), control
        finally:
            await desk.close()
            await wire.close()
            await store.close()


def _door(models: ModelActivities) -> Callable[[Call[Any, Any], Any], Awaitable[Record]]:
    async def door(_call: Call[Any, Any], request: Any) -> Record:
        if isinstance(request, RoleQuery):
            return await models.resolve_roles(request)
        return await models.ask_model(request)

    return door


# ---- the command line ----------------------------------------------------------------------------


async def measure(seconds: float, only: list[str]) -> Figures:
    """Measure the parts on an embedded server of our own."""
    found: Figures = {}
    async with server.for_a_while() as (address, data):
        options = Options(seconds, address, data)
        for name in only:
            print(f"{name} ...", file=sys.stderr, flush=True)
            found[name] = await PARTS[name](options)
    return found


def tables(found: Figures, console: Console) -> None:
    """Print what was found."""
    for name, figures in found.items():
        nested = figures if all(isinstance(f, dict) for f in figures.values()) else {"": figures}
        columns = list(dict.fromkeys(key for row in nested.values() for key in row))
        table = Table("", *columns, title=name, title_justify="left")
        for row, cells in nested.items():
            table.add_row(row, *(_cell(cells.get(column, "")) for column in columns))
        console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    if isinstance(value, float):
        return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.models", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each limit (30)")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, comma-separated")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    only = [name for name in options.only.split(",") if name]
    if unknown := sorted(set(only) - set(PARTS)):
        parser.error(f"--only: {', '.join(unknown)} unknown; there is {', '.join(PARTS)}")
    configure("text", level=logging.ERROR)
    found = asyncio.run(measure(options.seconds, only))
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        tables(found, Console())
    return 0


if __name__ == "__main__":
    leave(main())
