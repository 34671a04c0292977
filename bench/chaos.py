"""Chaos: due diligence cases while workers, server and store fail, and what must hold all the same.

`.venv/bin/python -m bench.chaos [--cases 300] [--seed 7] [--json]`; `--short` is 20 cases.
Vendors, sources and effects refuse 5 % of requests; every 2 to 5 seconds a worker that has got
something done is SIGKILLed; the server is, twice; the store is locked once for longer than anybody
waits, and full once. Every case must end with the decision it has in quiet, every effect be had
once, nothing journalled be asked again, no more calls be uncertain than were under way at a kill,
every audit chain hold, nothing be stuck.
Calls whose connection broke on the way (a service's doing) are uncertain too, and told apart.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from pydantic import TypeAdapter
from sqlalchemy import select
from temporalio.client import Client
from temporalio.service import RPCError

from cli import cases
from cli.dossier.reading import audit_of
from cli.errors import Trouble
from cli.inputs import read
from cli.processes import process
from runtime import server
from runtime.documents import converter, kept_at
from runtime.processes import spawn, stop
from runtime.release import release
from runtime.settings import ROOT
from store.database import Store
from store.journal import ClaimState, Journal
from store.ledger import Ledger, LedgerState
from store.schema import claims, effects
from store.uncertain import open_of
from workflows.data.audit import broken
from workflows.data.case_file import CaseFile
from workflows.data.common import GateView
from workflows.data.decision import DecisionRecord

FILES = ("unilever", "bank_saderat", "carbo_ceramics")
HIT = "dd-bank_saderat-"
"""Cases whose references are stopped by a confirmed hit."""
SHARE = 0.05
BUSY_S, FULL_S = 12, 6
"""Seconds the store is locked (a connection waits 10), and full."""
SHORT, LONG, AT_ONCE = 20, 300, 20
PATIENCE, STILL, GLANCE = 600, 180, 2.0
"""Seconds after which a case that nobody answers for is lost, and all if none gets on; and between
two looks at one.
"""
LOST = timedelta(seconds=60)
"""A mail that was claimed so long ago is no longer on its way."""
SERVES_ON = frozenset({"compliance-report", "keeper", "topic"})
"""Workflows that rightly outlive their cases."""
Figures = dict[str, Any]


@dataclass
class World:
    """What fails: a server, a simulator, two workers; and what was done to them."""

    data: Path
    ports: server.Ports
    speed: float
    client: Client
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    started: int = 0
    ended: int = 0
    full: bool = False
    last: asyncio.Event = field(default_factory=asyncio.Event)
    """The last of the worse acts comes: the last cases wait for it, however quick others are."""

    @property
    def address(self) -> str:
        """Where the server answers."""
        return f"127.0.0.1:{self.ports.grpc}"

    async def simulator(self) -> None:
        """Start the outside world, where some of everything is refused."""
        faults = [{"service": "*", "kind": "down", "share": SHARE}]
        self.processes["simulator"] = await self._start(
            "simulator",
            *("-m", "simulator", "--port", str(self.ports.simulator), "--die-with-parent"),
            *("--smtp-port", str(self.ports.smtp), "--speed", str(self.speed), "--error-rate", "0"),
            *("--temporal", self.address, "--state", str(self.data / "simulator.jsonl")),
            *("--faults", json.dumps(faults)),
        )

    async def worker(self, place: str) -> None:
        """Start a worker of a new name; while the store is full, its file may not grow."""
        self.started += 1
        identity = f"{place}-{self.started}"
        command = (str(ROOT / "worker.py"), "--address", self.address, "--die-with-parent")
        self.processes[place] = await self._start(identity, *command, "--identity", identity)
        self.identities[place] = identity

    async def has_worked(self, place: str, store: Store) -> bool:
        """Say whether a worker has finished a call since it was started."""
        mine = claims.c.worker.startswith(f"{self.identities[place]}-", autoescape=True)
        finished = select(claims.c.id).where(mine, claims.c.state == ClaimState.SETTLED).limit(1)
        async with store.reading() as connection:
            return await connection.scalar(finished) is not None

    async def _start(self, name: str, *arguments: str) -> asyncio.subprocess.Process:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("TEMPORAL_", "BRAID_"))}
        env |= {"BRAID_DATA": str(self.data), "PYTHONPATH": str(ROOT), "BRAID_ENCRYPTION": "off"}
        env["BRAID_SIMULATOR"] = f"http://127.0.0.1:{self.ports.simulator}"
        env["BRAID_SIMULATOR_SMTP"] = f"smtp://127.0.0.1:{self.ports.smtp}"
        if self.full:
            env["BRAID_STORE_MOST_MB"] = "1"  # less than it has: it may not grow
        log = self.data / "logs" / f"{name}.log"
        return await spawn([sys.executable, *arguments], log=log, env=env)

    async def kill_worker(self, place: str, store: Store) -> None:
        """SIGKILL a worker, note what it had under way, release it, start another.

        Not while a mail is on its way, if that may be helped: it is sent at most once, and its
        case would wait for days for the answer to a mail that perhaps never left.
        """
        died = self.processes[place]
        with suppress(ProcessLookupError):
            for _ in range(300):
                died.send_signal(signal.SIGSTOP)
                await asyncio.sleep(0.05)  # all its threads stand still by then
                if not await mails_under_way(store):
                    break
                died.send_signal(signal.SIGCONT)
                await asyncio.sleep(0.05)
            died.kill()
        await died.wait()
        self.kills["worker"] += 1
        self.in_flight += await open_of(store, self.identities[place])
        say(f"killed {self.identities[place]}; {self.in_flight} calls under way at kills by now")
        await self._replace(place)

    async def replace_dead(self) -> None:
        """Start another worker for one that ended by itself, as without a server or a store."""
        for place, identity in [*self.identities.items()]:
            if (code := self.processes[place].returncode) is not None:
                say(f"{identity} ended by itself (exit {code})")
                await self._replace(place)

    async def _replace(self, place: str) -> None:
        """Release what a dead worker held, and start another."""
        for _ in range(100):  # the server may be down as well
            try:
                await release(self.client, self.identities[place])
                break
            except RPCError:
                await asyncio.sleep(0.1)
        await self.worker(place)

    async def kill_server(self) -> None:
        """SIGKILL the server and start it on the same file."""
        died = self.processes["server"]
        died.kill()
        await died.wait()
        self.kills["server"] += 1
        self.processes["server"], _ = await server.begin(self.data, self.ports)

    async def lock_store(self) -> None:
        """Hold the store's write lock for longer than a connection waits."""
        file = self.data / "store.db"
        with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            await asyncio.sleep(BUSY_S)
            holder.execute("ROLLBACK")
        self.kills["store locked"] += 1

    async def still(self) -> list[str]:
        """Say which cases are open, and what each has under way."""
        told = []
        async for one in self.client.list_workflows("ExecutionStatus = 'Running'"):
            if one.workflow_type not in SERVES_ON:
                now = (await self.client.get_workflow_handle(one.id).describe()).raw_description
                open_calls = [
                    f"{a.activity_type.name} (attempt {a.attempt} by {a.last_worker_identity})"
                    for a in now.pending_activities
                ]
                told.append(f"{one.id}: {', '.join(open_calls) or 'no calls'}")
        return told

    async def fill_store(self, store: Store) -> None:
        """Have workers meet a store that may not grow, then one that may."""
        for self.full in (True, False):
            for place in self.identities:
                await self.kill_worker(place, store)
            await asyncio.sleep(FULL_S if self.full else 0)
        self.kills["store full"] += 1


async def mails_under_way(store: Store) -> bool:
    """Say whether a mail is claimed of which nobody has said yet that it was sent.

    Of one claimed long ago nobody will ever say it, nor of those a confirmed hit stopped on their
    way: whose case does not wait for them.
    """
    since = (datetime.fromisoformat(store.now()) - LOST).isoformat()
    mails = (
        effects.c.effect.startswith("mail:"),
        effects.c.state == LedgerState.CLAIMED,
        effects.c.claimed_at > since,
        ~effects.c.scope.startswith(HIT),
    )
    async with store.reading() as connection:
        return await connection.scalar(select(effects.c.key).where(*mails).limit(1)) is not None


def database(data: Path) -> str:
    """Give the address of the store in a folder."""
    return f"sqlite+aiosqlite:///{data / 'store.db'}"


@asynccontextmanager
async def chaotic(speed: float) -> AsyncIterator[World]:
    """Start everything in a folder that goes with it."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        ports = server.Ports.choose(data / "ports.json")
        large = converter(kept_at(database(data)))
        first, client = await server.begin(data, ports, converter=large)
        here = World(data, ports, speed, client, {"server": first})
        try:
            await here.simulator()
            for place in ("worker-a", "worker-b"):
                await here.worker(place)
            yield here
        finally:
            for one in reversed(here.processes.values()):
                await stop(one, 5, hard=True)


async def lived(here: World, name: str, number: int) -> tuple[str, str]:
    """Run one case to its end, each gate answered as proposed; give its id and outcome."""
    given = read(ROOT / "cases" / f"{name}.yaml", CaseFile)
    entry = process("due-diligence")
    start = cases.Start(workflow_id=f"dd-{name}-{number}")
    handle = await _patiently(lambda: cases.start(here.client, entry, given, start))
    if handle is None:
        handle = here.client.get_workflow_handle(f"dd-{name}-{number}")
    while True:
        gates = await _patiently(lambda: cases.ask(handle, "open_gates", list[GateView]))
        for gate in gates or ():
            said = cases.as_proposed(gate, gate.may_decide[0], "as proposed")
            with suppress(Trouble):  # decided already: the answer was lost in a kill
                await cases.decide(handle, said)
        with suppress(TimeoutError, RPCError):
            told = await asyncio.wait_for(handle.result(), GLANCE)
            here.ended += 1
            say(f"{handle.id} ended")
            return handle.id, str(TypeAdapter(DecisionRecord).validate_python(told).outcome)


async def _patiently(act: Any) -> Any:
    """Try again while server or workers are away; None if it cannot be done any more."""
    loop = asyncio.get_running_loop()
    end, said = loop.time() + PATIENCE, ""
    while loop.time() < end:
        try:
            return await act()
        except (Trouble, RPCError) as away:
            if "already" in str(away) or "closed" in str(away):
                return None
            said = str(away)
            await asyncio.sleep(0.2)
    raise TimeoutError(f"nobody answered for {PATIENCE} s: {said}")


async def fail(
    here: World, store: Store, ending: "asyncio.Future[Any]", seed: int, count: int
) -> None:
    """Kill workers that have got something done, and with every sixth of the cases that ended do
    something worse, until all have.

    What has done nothing yet is let live, however slow the machine: else nothing would ever end.
    Raises TimeoutError if nothing gets on all the same.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    acts: list[Callable[[], Awaitable[None]]] = [
        here.kill_server,
        here.lock_store,
        partial(here.fill_store, store),
        here.kill_server,
    ]
    loop = asyncio.get_running_loop()
    moved, done = loop.time(), 0
    while not ending.done():
        await asyncio.wait([ending], timeout=chance.uniform(2, 5))
        if acts and here.ended >= count * (5 - len(acts)) // 6 and not ending.done():
            if len(acts) == 1:
                here.last.set()
            await acts.pop(0)()
        await here.replace_dead()
        ready = [place for place in sorted(here.identities) if await here.has_worked(place, store)]
        if ready or here.ended > done:
            moved, done = loop.time(), here.ended
        elif loop.time() - moved > STILL:
            ending.cancel()
            raise TimeoutError(f"for {STILL} s nothing got on; still open: {await here.still()}")
        if ready and not ending.done():
            await here.kill_worker(chance.choice(ready), store)


async def judged(here: World, store: Store, ended: Sequence[tuple[str, str]]) -> Figures:
    """Count what must be none."""
    journal, ledger = Journal(store), Ledger(store)
    found: Counter[str] = Counter(
        dict.fromkeys(("repeated", "uncertain", "connections broken", "twice", "broken"), 0)
    )
    for case, _ in ended:
        found["repeated"] += await journal.repeated_paid(case)
        for row in await journal.uncertain(case):
            found["uncertain" if row.state is ClaimState.OPEN else "connections broken"] += 1
        found["twice"] += await ledger.duplicates(case)
        handle = here.client.get_workflow_handle(case)
        rows, head = await _patiently(partial(audit_of, handle))
        found["broken"] += broken([r.model_dump(mode="json") for r in rows], head) is not None
    running = here.client.list_workflows("ExecutionStatus = 'Running'")
    stuck = [one.id async for one in running if one.workflow_type not in SERVES_ON]
    async with httpx.AsyncClient(timeout=30) as outside:
        url = f"http://127.0.0.1:{here.ports.simulator}/_simulator/book"
        book = (await outside.get(url)).json()
    actions: dict[str, int] = book["effects"]["by_action"]
    again = {action: count for action, count in actions.items() if count > 1 and "/" in action}
    return {**found, "stuck": stuck, "performed twice": again, "mails": len(book["mails"])}


async def quiet(here: World) -> dict[str, str]:
    """Give what each case comes to when nothing but requests fails."""
    ended = await asyncio.gather(*(lived(here, name, 0) for name in FILES))
    return {name: outcome for name, (_, outcome) in zip(FILES, ended, strict=True)}


async def chaos(count: int, seed: int, speed: float) -> Figures:
    """Run it all, and say what held."""
    async with chaotic(speed) as here, Store.opened(database(here.data)) as store:
        say("each case in quiet ...")
        wanted, here.ended = await quiet(here), 0
        say(f"in quiet: {wanted}; now {count} cases in chaos")
        at_once = min(AT_ONCE, max(count // 4, 1))
        gate = asyncio.Semaphore(at_once)

        async def one(number: int) -> tuple[str, str]:
            if number > count - at_once:
                await here.last.wait()
            async with gate:
                return await lived(here, FILES[number % len(FILES)], number)

        loop = asyncio.get_running_loop()
        began = loop.time()
        ending = asyncio.gather(*(one(number) for number in range(1, count + 1)))
        await fail(here, store, ending, seed, count)
        ended = await ending
        seconds = loop.time() - began
        found = await judged(here, store, ended)
        wrong = [
            f"{case}: {outcome}"
            for number, (case, outcome) in enumerate(ended, 1)
            if outcome != wanted[FILES[number % len(FILES)]]
        ]
        kills = dict(here.kills)
        return {
            "cases": count,
            "seed": seed,
            "seconds": round(seconds, 1),
            "kills": kills,
            "in flight": here.in_flight,
            "wrong": wrong,
            **found,
        }


def say(text: str) -> None:
    """Say how it goes."""
    sys.stderr.write(f"chaos: {text}\n")
    sys.stderr.flush()


def held(found: Figures) -> list[str]:
    """Say what did not hold; nothing if all did."""
    told = [
        f"{name}: {found[name]}" for name in ("wrong", "stuck", "performed twice") if found[name]
    ]
    told += [f"{name}: {found[name]}" for name in ("repeated", "twice", "broken") if found[name]]
    if found["uncertain"] > found["in flight"]:
        told.append(f"uncertain: {found['uncertain']}, under way {found['in flight']}")
    return told


def main() -> int:
    """Run it; exit code 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="bench.chaos", description=__doc__)
    parser.add_argument("--cases", type=int, default=LONG)
    parser.add_argument("--short", action="store_true", help="20 cases")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--speed", type=float, default=10.0, help="of the simulated world")
    parser.add_argument("--json", action="store_true", help="figures alone")
    options = parser.parse_args()
    count = SHORT if options.short else options.cases
    found = asyncio.run(chaos(count, options.seed, options.speed))
    wrong = held(found)
    print(json.dumps({**found, "did not hold": wrong}, indent=2))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
