"""The embedded stack: server, simulator and worker, supervised, under one lock."""

import asyncio
import json
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO

from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.service import RPCError

from runtime import codec_server, server
from runtime.addresses import Addresses
from runtime.documents import converter, kept_at
from runtime.encryption import codec_for
from runtime.errors import NoServer
from runtime.processes import Locked, lock, spawn, stop
from runtime.release import release
from runtime.serving import serving
from runtime.settings import ROOT, Settings
from runtime.spare import WAITS, Spare

BAD_SETTINGS = 2
"""Exit code of a worker or simulator that another start would not help."""
RESTARTS = 20
"""A child that dies more often than this is given up, with a word on where its log is."""


@dataclass(frozen=True)
class Event:
    """Something the supervisor did: `part` died, was restarted, or released attempts."""

    part: str
    what: str


@dataclass
class Child:
    """One supervised process; `start` makes a new incarnation."""

    name: str
    start: Callable[[], Awaitable[asyncio.subprocess.Process]]
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0


async def _sole(path: Path) -> IO[str]:
    """Take the stack's lock, past those who only look whether a stack runs. Raises Locked."""
    for _ in range(10):
        with suppress(Locked):
            return lock(path)
        await asyncio.sleep(0.02)
    return lock(path)


class Stack:
    """Server, simulator and worker as child processes that die with us.

    Use as `async with Stack(settings, speed=4) as stack`. A dead child is restarted; what a dead
    worker held is released at once. With a `spare`, the next worker has loaded its code already.
    Raises NoServer if it cannot start, SettingsError if it shall encrypt and has no key.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        speed: float = 1.0,
        seed: int = 7,
        faults: str = "",
        spare: bool = False,
        tell: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self.settings, self.speed, self.seed = settings, speed, seed
        self.faults, self.tell = faults, tell
        self.spare = Spare(partial(self._worker, WAITS, stdin=PIPE)) if spare else None
        self.codec = codec_for(settings, embedded=True)
        self.nonce = secrets.token_hex(4)
        self.failed: asyncio.Future[str] | None = None
        self._workers = 0
        self._stopping = False
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> "Stack":
        data = self.settings.data
        try:
            self._lock: IO[str] = await _sole(data / "stack.lock")
        except Locked as error:
            raise NoServer(
                f"a stack of this clone is running, starting or stopping already ({data});"
                " try again in a moment"
            ) from error
        self._exit.callback(self._lock.close)
        (data / "stack.json").unlink(missing_ok=True)  # left over by one that was killed
        try:
            await self._start_all(data)
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._stopping = True
        (self.settings.data / "stack.json").unlink(missing_ok=True)
        await self._exit.aclose()

    async def _start_all(self, data: Path) -> None:
        self.failed = asyncio.get_running_loop().create_future()
        self.ports = server.Ports.choose(data / "ports.json")
        self.addresses = self._make_addresses()
        opened = kept_at(self.settings.database)
        pages = codec_server.pages(self.addresses.ui)
        app = codec_server.create_app(opened, pages, self.codec)
        await self._exit.enter_async_context(serving(app, self.ports.codec))
        url = self.addresses.codec
        self.server = Child("server", lambda: server.start(data, self.ports, codec=url))
        self.simulator = Child("simulator", self._start_simulator)
        self.worker = Child("worker", self._start_worker)
        self.server.process, self.client = await server.begin(
            data, self.ports, codec=url, converter=converter(opened, self.codec)
        )
        self._watch(self.server, grace=10)
        if self.spare:  # ended after the worker: its supervision may prepare another
            self._exit.push_async_callback(self.spare.end)
        for child, grace in ((self.simulator, 5), (self.worker, 15)):
            child.process = await child.start()
            self._watch(child, grace)
        await self._until_served()
        if self.spare:
            await self.spare.prepare()
        fresh = data / "stack.json.new"
        fresh.write_text(json.dumps(asdict(self.addresses)), encoding="utf-8")
        fresh.replace(data / "stack.json")

    async def _until_served(self, within: float = 120.0) -> None:
        """Wait until our worker polls the main queue. Raises NoServer if it never does."""
        request = DescribeTaskQueueRequest(namespace=self.client.namespace)
        request.task_queue.name = "braid"
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while loop.time() < end and not (self.failed and self.failed.done()):
            with suppress(RPCError):  # the server is being restarted: ask again
                known = await self.client.workflow_service.describe_task_queue(request)
                if any(p.identity == self.worker_identity for p in known.pollers):
                    return
            await asyncio.sleep(0.05)
        why = self.failed.result() if self.failed and self.failed.done() else "it never polled"
        raise NoServer(f"the stack does not come up: {why}")

    def _make_addresses(self) -> Addresses:
        host = "127.0.0.1"
        return Addresses(
            nonce=self.nonce,
            pid=os.getpid(),
            grpc=f"{host}:{self.ports.grpc}",
            http=f"http://{host}:{self.ports.http}",
            ui=f"http://{host}:{self.ports.ui}",
            simulator=f"http://{host}:{self.ports.simulator}",
            smtp=f"smtp://{host}:{self.ports.smtp}",
            speed=self.speed,
            live=self.settings.live,
            codec=f"http://{host}:{self.ports.codec}",
            encrypted=self.codec.writes,
        )

    @property
    def worker_identity(self) -> str:
        """Identity of the present worker: stack and incarnation."""
        return f"worker-{self.nonce}-{self._workers}"

    async def _start_simulator(self) -> asyncio.subprocess.Process:
        data = self.settings.data
        return await self._python(
            "simulator",
            *("-m", "simulator", "--port", str(self.ports.simulator), "--die-with-parent"),
            *("--smtp-port", str(self.ports.smtp)),
            *("--seed", str(self.seed), "--speed", str(self.speed)),
            *("--temporal", self.addresses.grpc, "--state", str(data / "simulator.jsonl")),
            *(("--faults", self.faults) if self.faults else ()),
        )

    async def _start_worker(self) -> asyncio.subprocess.Process:
        self._workers += 1
        spare = self.spare.take(self.worker_identity) if self.spare else None
        return spare or await self._worker("--identity", self.worker_identity)

    async def _worker(self, *args: str, stdin: int = DEVNULL) -> asyncio.subprocess.Process:
        return await self._python(
            "worker",
            *(str(ROOT / "worker.py"), "--address", self.addresses.grpc, "--die-with-parent"),
            *(*args, *(("--live",) if self.settings.live else ())),
            stdin=stdin,
        )

    async def _python(
        self, name: str, *args: str, stdin: int = DEVNULL
    ) -> asyncio.subprocess.Process:
        data = self.settings.data
        env = {k: v for k, v in os.environ.items() if not k.startswith("TEMPORAL_")}
        env |= {"BRAID_DATA": str(data), "BRAID_SIMULATOR": self.addresses.simulator}
        env |= {"BRAID_SIMULATOR_SMTP": self.addresses.smtp}
        env |= {"BRAID_KEYS_FILE": str(self.codec.ring.path) if self.codec.ring else ""}
        env |= {"BRAID_ENCRYPTION": "on" if self.codec.writes else "off"}
        env |= {"PYTHONPATH": str(ROOT), "BRAID_LIVE": "1" if self.settings.live else "0"}
        log = data / "logs" / f"{name}.log"
        return await spawn([sys.executable, *args], log=log, env=env, stdin=stdin)

    def _watch(self, child: Child, grace: float) -> None:
        """Restart a child that dies, and end it with the stack."""
        watching = asyncio.create_task(self._supervise(child))

        async def end() -> None:
            self._stopping = True
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
            if child.process is not None:
                # The embedded server takes a second to say goodbye and loses nothing without.
                await stop(child.process, grace, hard=child.name == "server")

        self._exit.push_async_callback(end)

    async def _supervise(self, child: Child) -> None:
        while True:
            assert child.process is not None  # noqa: S101 - it was started before
            code = await child.process.wait()
            if self._stopping:
                return
            self.tell(Event(child.name, f"died (exit {code})"))
            child.restarts += 1
            if child.restarts > RESTARTS or (code == BAD_SETTINGS and child is not self.server):
                log = self.settings.data / "logs" / f"{child.name}.log"
                why = f": {_last_line(log)}" if code == BAD_SETTINGS else ""
                self._give_up(f"{child.name} does not stay up (exit {code}); see {log}{why}")
                return
            dead = self.worker_identity
            child.process = await child.start()
            self.tell(Event(child.name, "restarted"))
            if child is self.worker:
                await self._release(dead)
                if self.spare:
                    await self.spare.prepare()

    def _give_up(self, why: str) -> None:
        if self.failed is not None and not self.failed.done():
            self.failed.set_result(why)

    async def _release(self, dead: str) -> None:
        try:
            count = await release(self.client, dead)
        except RPCError as error:
            self.tell(Event("worker", f"nothing released: {error.message}"))
            return
        self.tell(Event("worker", f"released {count} attempts of {dead}"))

    async def kill(self, child: Child) -> int:
        """SIGKILL a child, for the crash demo and fault tests. Returns its pid."""
        assert child.process is not None  # noqa: S101 - children are started on entry
        pid: int = child.process.pid
        child.process.kill()
        await child.process.wait()
        return pid


def _last_line(log: Path) -> str:
    """Read what a child said at its end: with bad settings, what is wrong with them."""
    return next(iter(log.read_text(encoding="utf-8", errors="replace").splitlines()[-1:]), "")
