"""What the tests of the stack share: the command line as a process, pids, and a world on it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.addresses import Addresses
from runtime.connection import connect_to
from runtime.processes import bound
from runtime.settings import ROOT, Settings
from store.database import Store
from tests.support.world import World

ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="reads /proc; elsewhere children follow as best they can"
)
PATIENCE = 150.0
"""Seconds a process may take before a test gives it up: longer than the demo's own limit."""


@dataclass(frozen=True)
class Done:
    """A finished command: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Read standard output, which must be one JSON value and nothing else."""
        assert self.out, f"nothing on standard output; exit {self.code}, said {self.err}"
        return json.loads(self.out)


async def begin(
    data: Path, *arguments: str | Path, env: dict[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start `starter.py` with its data in `data`."""
    return await asyncio.create_subprocess_exec(
        *bound([sys.executable, str(ROOT / "starter.py"), *map(str, arguments)]),
        env={**os.environ, "BRAID_DATA": str(data), **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


async def finished(process: asyncio.subprocess.Process) -> Done:
    """Wait for a command's end."""
    try:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        pytest.fail(f"no end after {PATIENCE:.0f} s; said {out.decode()}\n{err.decode()}")
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def braid(data: Path, *arguments: str | Path, env: dict[str, str] | None = None) -> Done:
    """Run `starter.py` to its end."""
    return await finished(await begin(data, *arguments, env=env))


@asynccontextmanager
async def stack_process(
    data: Path, *options: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Addresses]]:
    """Run `starter.py stack --json` in a process of its own; ended with the block if it lives."""
    process = await begin(data, "stack", "--json", *options)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        if not line:
            pytest.fail((await finished(process)).err)
        yield process, Addresses(**json.loads(line))
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await finished(process)


@asynccontextmanager
async def world_on(addresses: Addresses, data: Path) -> AsyncIterator[World]:
    """Look at a running stack through a client, its store and its simulator."""
    async with AsyncExitStack() as stack:
        client = await connect_to(addresses.grpc, "test")
        settings = Settings(data=data, simulator=addresses.simulator)
        store = await Store.open(settings.database)
        stack.push_async_callback(store.close)
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=addresses.simulator, timeout=60)
        )
        yield World(client, store, settings, "braid", http)


async def until(ready: Callable[[], bool], within: float, what: str) -> None:
    """Look every 20 ms until `ready`; fail after `within` seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not ready():
        if loop.time() > end:
            pytest.fail(f"not after {within:g} s: {what}")
        await asyncio.sleep(0.02)


def living(data: Path) -> dict[int, str]:
    """Give pid and command of every process of the stack whose data lie in `data`."""
    mark = f"BRAID_DATA={data}\0".encode()
    found: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if mark in (folder / "environ").read_bytes() + b"\0":
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if command:  # one that is ending has none
                    found[int(folder.name)] = command
        except OSError:
            continue  # it has ended, or is not ours to look at
    return found


def environment(pid: int) -> bytes:
    """Give what a process was started with."""
    return Path(f"/proc/{pid}/environ").read_bytes()


def ended(pid: int) -> bool:
    """Say whether a process is gone, or a zombie without threads: its ports are free then."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX" and threads <= 1
