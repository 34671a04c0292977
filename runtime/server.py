"""The embedded Temporal server: the official CLI's dev server with flags tuned by measurement.

The untuned one costs 50 ms a step and 1 s a timer; on disk it loses two thirds of the throughput.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.service import RPCError

from runtime.connection import connect_to
from runtime.conversion import DATA_CONVERTER
from runtime.errors import NoServer
from runtime.processes import bound, free_port, spawn, stop
from workflows.data.route import PATH_ATTRIBUTE

CLI_VERSION = "1.9.1"
"""The version of the `temporal` binary these flags were measured with (server 1.32.0)."""

OWN_ENV = {
    "GOGC": "400",
    # Otherwise the server asks its makers for news now and then: nothing leaves the machine.
    "TEMPORAL_VERSION_CHECK_DISABLED": "true",
}

_DYNAMIC = (
    "history.transferProcessorMaxPollRPS=20000",
    "history.timerProcessorMaxPollRPS=20000",
    'history.timerProcessorMaxTimeShift="1ms"',
    'history.transferProcessorUpdateAckInterval="5s"',  # a deletion waits for it: 30 s as shipped
    # A case whose task failed for a while (its store was away) waits no longer than this for the
    # next try: ten minutes as shipped. Slow tasks get as long as `deadlocks.SECONDS` to end.
    'history.workflowTaskRetryMaxInterval="25s"',
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "matching.enableFairness=true",
    'matching.TaskQueueInfoByBuildIdTTL="100ms"',
    "frontend.WorkflowPauseEnabled=true",
)


ATTRIBUTES = ("Customer", PATH_ATTRIBUTE)
"""Search attributes of ours, all of type Keyword."""

_BEGINS = "---- server starts\n"
"""Line that parts the log of one server from the next."""


@dataclass(frozen=True)
class Ports:
    """Loopback ports: the server's gRPC, HTTP API, UI and metrics, and those of the simulator
    (HTTP and mail) and the codec endpoint.
    """

    grpc: int
    http: int
    ui: int
    metrics: int
    simulator: int
    smtp: int
    codec: int

    @staticmethod
    def choose(memory: Path) -> "Ports":
        """Take last time's ports where they are still free, so that addresses stay the same."""
        last = _remembered(memory)
        chosen: dict[str, int] = {}
        for name in (f.name for f in fields(Ports)):
            port = free_port(last.get(name))
            while port in chosen.values():
                port = free_port()
            chosen[name] = port
        ports = Ports(**chosen)
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(asdict(ports)), encoding="utf-8")
        return ports


def _remembered(memory: Path) -> dict[str, int]:
    """Read last time's ports; what is not a port is as good as forgotten."""
    try:
        last = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(last, dict):
        return {}
    return {k: v for k, v in last.items() if type(v) is int and 1024 <= v <= 65535}


def binary() -> Path:
    """Find the `temporal` binary the wheel put beside our interpreter. Raises NoServer."""
    path = Path(sys.executable).parent / ("temporal.exe" if os.name == "nt" else "temporal")
    if not path.exists():
        raise NoServer(f"{path.name} is not beside {sys.executable}: run `make setup` again")
    return path


def command(data: Path, ports: Ports, *, codec: str = "", extra: tuple[str, ...] = ()) -> list[str]:
    """Build the tuned command line (docs/running.md says what each flag buys).

    `codec` is where the UI has references resolved.
    """
    flags = [
        *("--ip", "127.0.0.1", "--ui-ip", "127.0.0.1"),
        *("--port", str(ports.grpc), "--http-port", str(ports.http)),
        *("--ui-port", str(ports.ui), "--metrics-port", str(ports.metrics)),
        *("--db-filename", str(data / "temporal.db")),
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"),
        *("--log-level", "error"),
    ]
    for name in ATTRIBUTES:
        flags += ["--search-attribute", f"{name}=Keyword"]
    for value in (*_DYNAMIC, *extra):
        flags += ["--dynamic-config-value", value]
    if codec:
        flags += ["--ui-codec-endpoint", codec]
    return [str(binary()), "server", "start-dev", *flags]


async def start(data: Path, ports: Ports, *, codec: str = "") -> asyncio.subprocess.Process:
    """Start the server; it dies with us on Linux."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("TEMPORAL_")} | OWN_ENV
    log = _log(data)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as words:
        words.write(_BEGINS)
    return await spawn(bound(command(data, ports, codec=codec)), log=log, env=env)


@asynccontextmanager
async def for_a_while() -> AsyncIterator[tuple[str, Path]]:
    """Run a server on a folder that goes with it; give its address and the folder."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        ports = Ports.choose(data / "ports.json")
        process, _ = await begin(data, ports)
        try:
            yield f"127.0.0.1:{ports.grpc}", data
        finally:
            await stop(process, 5, hard=True)


async def begin(
    data: Path,
    ports: Ports,
    *,
    codec: str = "",
    converter: DataConverter = DATA_CONVERTER,
    tries: int = 3,
) -> tuple[asyncio.subprocess.Process, Client]:
    """Start the server and wait until it answers. Raises NoServer.

    It picks ports for its inner services itself, and ends if somebody takes one of them before it
    does: on a busy machine that happens, and another start mends it.
    """
    while True:
        process = await start(data, ports, codec=codec)
        try:
            return process, await until_ready(process, ports, data, converter=converter)
        except BaseException as error:
            tries -= 1
            ended = isinstance(error, NoServer) and process.returncode is not None
            await stop(process, 5, hard=True)
            if not (ended and tries):
                raise


async def until_ready(
    process: asyncio.subprocess.Process,
    ports: Ports,
    data: Path,
    within: float = 120.0,
    *,
    converter: DataConverter = DATA_CONVERTER,
) -> Client:
    """Wait until the server we started answers, and connect.

    Raises NoServer if it ends instead. Another server on a busy port must not pass for ours, so
    an answer counts only once our process has said that it serves this port.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while loop.time() < end:
        if process.returncode is not None:
            break
        if _serves(data, ports):
            with suppress(RPCError, RuntimeError, NoServer):
                client = await connect_to(f"127.0.0.1:{ports.grpc}", converter=converter)
                if await client.service_client.check_health():
                    await add_attributes(client)
                    return client
        await asyncio.sleep(0.03)
    raise NoServer(f"the embedded server did not start; its log: {_log(data)}")


async def add_attributes(client: Client) -> None:
    """Add the search attributes its namespace lacks: flags reach a new database only."""
    operator, namespace = client.operator_service, client.namespace
    found = await operator.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    missing = {name: keyword for name in ATTRIBUTES if name not in found.custom_attributes}
    if missing:
        request = AddSearchAttributesRequest(namespace=namespace, search_attributes=missing)
        await operator.add_search_attributes(request)


def _log(data: Path) -> Path:
    return data / "logs" / "server.log"


def _serves(data: Path, ports: Ports) -> bool:
    """Say whether the server started last has printed its address, as it does when it is up."""
    said = _log(data).read_text(encoding="utf-8", errors="replace").rpartition(_BEGINS)[2]
    return re.search(rf"^Temporal Server: .*:{ports.grpc}$", said, re.MULTILINE) is not None
