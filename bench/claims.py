"""Hold the field's claims about parallel work against the clock.

`.venv/bin/python -m bench.claims` (some ten minutes) prints a table, `--json` an object;
`--rows email content` runs those whose names have one of the words in them, `--list` names
them.

Every branch is one activity: a model call through the product's worker (permit, journal, HTTP) to
the simulator in a process of its own, which answers after exactly as long as the claim says. Rows
told in seconds run at speed 10, those in minutes at 60; the figures are seconds and minutes again,
so what Braid costs is shown ten and sixty times as large as it is. `--speed 1 --at-once` runs rows
at the claim's own latencies, without their hours in order. A claim is held if the parallel run
takes at most 1.05 of the bound: what the parallel work takes if nothing else costs anything.
"""

import argparse
import asyncio
import json
import logging
import math
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table
from temporalio.client import Client

from activities.wire import Wire
from bench.claimed import VENDOR, Claimed, Load, Stages, do_load, model_of
from runtime import server
from runtime.connection import connect_to
from runtime.logs import configure
from runtime.processes import leave, stop
from runtime.settings import ROOT, Settings
from store.database import Store
from worker import deploy, workers
from workflows.grades import GRADE, Grade

SECONDS, MINUTES = 10, 60
"""The speeds of rows told in seconds and in minutes."""
HELD = 1.05
MAIL, DRAFT = ((8.0, 10.0, 6.0),), ((8.0, 10.0), (6.0,))
"""Sentiment, draft and fact check: of the mail, all at once; of the draft, after both."""


@dataclass(frozen=True)
class Claim:
    """What the field says: `before` in order, `after` at once, None where it says nothing.

    `in_flight` items run at once; `before` and `after` are seconds, or `minutes`.
    """

    name: str
    stages: Stages
    before: float | None = None
    after: float | None = None
    items: int = 1
    in_flight: int = 1
    minutes: bool = False
    why: str = ""
    other_speed: float | None = None

    @property
    def speed(self) -> float:
        """How many times as fast as told it runs."""
        return self.other_speed or (MINUTES if self.minutes else SECONDS)

    @property
    def bound(self) -> float:
        """Seconds the parallel work takes if nothing else costs anything."""
        rounds = math.ceil(self.items / self.in_flight)
        return rounds * sum(max(stage) for stage in self.stages)

    @property
    def in_order(self) -> Load:
        """The same calls, one after another."""
        single = tuple((seconds,) for stage in self.stages for seconds in stage)
        return Load(stages=single, items=self.items)

    @property
    def at_once(self) -> Load:
        """The calls as the claim has them."""
        return Load(stages=self.stages, items=self.items, in_flight=self.in_flight)


EMAILS = 100
CLAIMS = (
    Claim("email, fact check of the mail", MAIL, 24, 10),
    Claim(
        "email, fact check of the draft",
        DRAFT,
        24,
        10,
        why="the check waits for the draft: 16 s is the least",
    ),
    Claim("hybrid email, urgent", ((8.0, 7.0, 6.0), (10.0,)), 31, 18),
    Claim("hybrid email, not urgent", ((8.0, 7.0, 6.0), (1.0,)), 22, 9),
    Claim("content, four pieces", ((12.0, 10.0, 8.0, 15.0),), 45, 15),
    Claim("3 equal branches", ((10.0,) * 3,), 30, 10),
    Claim("4 equal branches", ((10.0,) * 4,), 40, 10),
    Claim("5 equal branches", ((10.0,) * 5,), 50, 10),
    Claim(
        "3 branches of 8, 10, 6 s",
        ((8.0, 10.0, 6.0),),
        24,
        8,
        why="3x needs equal branches; the longest sets the bound, 2.4x",
    ),
    Claim("due diligence", ((540.0, 720.0, 480.0, 600.0, 360.0),), 45, 12, minutes=True),
    Claim("100 emails, one at a time", MAIL, 40, 16.7, items=EMAILS, minutes=True),
    Claim("100 emails, 100 in flight", MAIL, 40, None, EMAILS, EMAILS, minutes=True),
    Claim("50 documents, one at a time", ((50.0,) * 3,), 125, 41.7, items=50, minutes=True),
    Claim("50 documents, 50 in flight", ((50.0,) * 3,), 125, None, 50, 50, minutes=True),
    Claim("100 posts, 3 in flight", ((27.0,),), 45, 15.3, 100, 3, minutes=True),
    Claim("1,000 documents as 100 x 10", ((6.0,),) * 10, None, None, 100, 100, minutes=True),
)
OPEN = {"lead scoring": "its blueprint comes later"}


@dataclass(frozen=True)
class Row:
    """A claim measured, in its own unit. `overhead_ms` are real milliseconds for each item, at
    the speed of the run.
    """

    name: str
    unit: str
    claimed: str
    in_order: float | None
    at_once: float
    bound: float
    ratio: float
    times: float | None
    overhead_ms: float
    held: bool
    why: str


def say(text: str) -> None:
    """Tell the progress."""
    print(text, file=sys.stderr, flush=True)


# ---- where it runs ---------------------------------------------------------------------------


@asynccontextmanager
async def simulator(speed: float, fixed: Mapping[str, float]) -> AsyncIterator[str]:
    """Run a simulator in a process of its own; yields its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--die-with-parent", "--error-rate", "0"),
        *("--speed", str(speed), "--fixed", json.dumps(fixed)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())["simulator"]
    finally:
        await stop(process, 5, hard=True)


@asynccontextmanager
async def serving(
    address: str, data: Path, speed: float, claims: Sequence[Claim]
) -> AsyncIterator[tuple[Client, str]]:
    """Serve the workflow by the product's worker; yields a client and the queue."""
    fixed = {model_of(s): s for claim in claims for stage in claim.stages for s in stage}
    await asyncio.to_thread(data.mkdir)
    catalogue = data / "llm.toml"
    catalogue.write_text(_catalogue(fixed), encoding="utf-8")
    suffix = f"-{secrets.token_hex(4)}"
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(simulator(speed, fixed))
        settings = Settings(data=data, simulator=url, catalogue=catalogue)
        store = await Store.open(settings.database)
        stack.push_async_callback(store.close)
        client = await connect_to(address, f"client{suffix}")
        wire = Wire(settings)
        stack.push_async_callback(wire.close)
        deployed = deploy(settings, store, wire, client, [do_load])
        stack.push_async_callback(deployed.desk.close)
        all_workers = workers(
            client, deployed, identity=f"worker{suffix}", suffix=suffix, workflows=[Claimed]
        )
        for one in all_workers:
            await stack.enter_async_context(one)
        yield client, f"braid{suffix}"


def _catalogue(models: Mapping[str, float]) -> str:
    """Write down a vendor whose models are told apart by how long they take."""
    lines = [f'[vendors.{VENDOR}]\ndialect = "openai-chat"\nbase_url = "http://localhost/v1"']
    lines.append("limits = { concurrency = 1000 }")
    lines += [f'[models."{model}"]\nvendor = "{VENDOR}"\nname = "{model}"' for model in models]
    lines.append(f"[roles]\nclock = {json.dumps(list(models))}")
    return "\n".join(lines) + "\n"


# ---- measuring -------------------------------------------------------------------------------


async def timed(
    client: Client, queue: str, load: Load, id: str = "", grade: Grade = Grade.VISIBLE
) -> float:
    """Give the seconds from the start of a case to its result in our hands."""
    started = time.perf_counter()
    await client.execute_workflow(
        Claimed.run,
        load,
        id=id or f"claim-{secrets.token_hex(6)}",
        task_queue=queue,
        task_timeout=timedelta(seconds=5),
        memo={GRADE: grade},
    )
    return time.perf_counter() - started


async def measured(
    address: str, data: Path, claims: Sequence[Claim], repeat: int, *, only_at_once: bool
) -> list[Row]:
    """Measure the claims, those of a speed together. Rows told in minutes run once."""
    rows: dict[str, Row] = {}
    for speed in sorted({claim.speed for claim in claims}):
        mine = [claim for claim in claims if claim.speed == speed]
        async with serving(address, data / f"speed-{speed:g}", speed, mine) as (client, queue):
            for _ in range(3):  # the first ones fill caches and open connections
                await timed(client, queue, Load(stages=mine[0].stages[:1]))
            took: dict[Load, float] = {}
            for claim in mine:
                alone = only_at_once or claim.before is None
                for load in (claim.at_once,) if alone else (claim.in_order, claim.at_once):
                    if load not in took:
                        times = 1 if claim.minutes else repeat
                        runs = [await timed(client, queue, load) for _ in range(times)]
                        took[load] = median(runs)
                row = judged(claim, took.get(claim.in_order), took[claim.at_once])
                rows[claim.name] = row
                say(f"{row.name}: {row.in_order} -> {row.at_once} {row.unit}, x{row.ratio}")
    return [rows[claim.name] for claim in claims]


def judged(claim: Claim, in_order: float | None, at_once: float) -> Row:
    """Say what two runs, in real seconds, make of a claim."""
    unit = 60 if claim.minutes else 1
    ratio = at_once * claim.speed / claim.bound
    bound = claim.bound / unit
    kept = ratio <= HELD and (claim.after is None or claim.after >= round(bound, 1))
    why = (
        "" if kept else claim.why or "what Braid costs is more than a twentieth of it at this speed"
    )
    return Row(
        name=claim.name,
        unit="min" if claim.minutes else "s",
        claimed=" -> ".join(f"{v:g}" if v else "?" for v in (claim.before, claim.after)),
        in_order=in_order and round(in_order * claim.speed / unit, 2),
        at_once=round(at_once * claim.speed / unit, 2),
        bound=round(bound, 2),
        ratio=round(ratio, 3),
        times=in_order and round(in_order / at_once, 2),
        overhead_ms=round((at_once - claim.bound / claim.speed) * 1000 / claim.items, 1),
        held=kept,
        why=why,
    )


async def measure(claims: Sequence[Claim], repeat: int, *, only_at_once: bool) -> list[Row]:
    """Measure on an embedded server of our own."""
    async with server.for_a_while() as (address, data):
        return await measured(address, data, claims, repeat, only_at_once=only_at_once)


def tell(rows: Sequence[Row], console: Console) -> None:
    """Print the rows as a table in Markdown, and below it why claims are not held."""
    heads = ("claim", "claimed", "in order", "at once", "bound", "of bound", "faster", "ms/item")
    laid = Table(*heads, "held", box=box.MARKDOWN)
    for row in rows:
        before = f"{row.in_order:g}" if row.in_order else ""
        figures = (before, f"{row.at_once:g} {row.unit}", f"{row.bound:g}")
        times = f"{row.times:g}x" if row.times else ""
        rest = (f"{row.ratio:.3f}", times, f"{row.overhead_ms:g}")
        laid.add_row(row.name, row.claimed, *figures, *rest, "yes" if row.held else "no")
    for name in OPEN:
        laid.add_row(name, *("" for _ in heads[1:]), "open")
    console.print(laid)
    reasons = {row.name: row.why for row in rows if row.why} | OPEN
    for why in dict.fromkeys(reasons.values()):
        names = (name for name in reasons if reasons[name] == why)
        console.print(f"- {'; '.join(names)}: {why}", soft_wrap=True)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.claims", description=__doc__)
    parser.add_argument("--rows", nargs="+", help="words of the names of rows (all)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of rows in seconds, median (3)")
    parser.add_argument("--speed", type=float, help="of all rows (10, and 60 for minutes)")
    parser.add_argument("--at-once", action="store_true", help="leave out the runs in order")
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    configure("text", level=logging.ERROR)
    words = options.rows or [""]
    chosen = [c for c in CLAIMS if any(word in c.name for word in words)]
    if options.list or not chosen:
        print("\n".join(claim.name for claim in CLAIMS))
        return 0 if options.list else 2
    chosen = [replace(claim, other_speed=options.speed) for claim in chosen]
    rows = asyncio.run(measure(chosen, options.repeat, only_at_once=options.at_once))
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        tell(rows, Console(width=140))
    return 0


if __name__ == "__main__":
    leave(main())
