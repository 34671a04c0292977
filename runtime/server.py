"""The embedded Temporal server: the official CLI's dev server with flags tuned by measurement.

The untuned one costs 50 ms a step and 1 s a timer; on disk it loses two thirds of the throughput.
"""

import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from temporalio.client import Client

from runtime.connection import NoServer, connect_to
from runtime.processes import bound, free_port, spawn

CLI_VERSION = "1.9.1"
"""The version of the `temporal` binary these flags were measured with (server 1.32.0)."""

_DYNAMIC = (
    "history.transferProcessorMaxPollRPS=20000",
    "history.timerProcessorMaxPollRPS=20000",
    'history.timerProcessorMaxTimeShift="1ms"',
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "matching.enableFairness=true",
    "frontend.WorkflowPauseEnabled=true",
)


@dataclass(frozen=True)
class Ports:
    """Loopback ports: the server's gRPC, HTTP API, UI and metrics, and the simulator's."""

    grpc: int
    http: int
    ui: int
    metrics: int
    simulator: int

    @staticmethod
    def choose(memory: Path) -> "Ports":
        """Take last time's ports where they are still free, so that addresses stay the same."""
        try:
            last = json.loads(memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            last = {}
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


def binary() -> Path:
    """Find the `temporal` binary the wheel put beside our interpreter. Raises NoServer."""
    path = Path(sys.executable).parent / ("temporal.exe" if os.name == "nt" else "temporal")
    if not path.exists():
        raise NoServer(f"{path.name} is not beside {sys.executable}: run `make setup` again")
    return path


def command(data: Path, ports: Ports, *, extra: tuple[str, ...] = ()) -> list[str]:
    """Build the tuned command line (docs/running.md says what each flag buys)."""
    flags = [
        *("--ip", "127.0.0.1", "--ui-ip", "127.0.0.1"),
        *("--port", str(ports.grpc), "--http-port", str(ports.http)),
        *("--ui-port", str(ports.ui), "--metrics-port", str(ports.metrics)),
        *("--db-filename", str(data / "temporal.db")),
        *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"),
        *("--search-attribute", "Customer=Keyword", "--log-level", "error"),
    ]
    for value in (*_DYNAMIC, *extra):
        flags += ["--dynamic-config-value", value]
    return [str(binary()), "server", "start-dev", *flags]


async def start(data: Path, ports: Ports) -> asyncio.subprocess.Process:
    """Start the server; it dies with us on Linux."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("TEMPORAL_")} | {"GOGC": "400"}
    log = data / "logs" / "server.log"
    return await spawn(bound(command(data, ports)), log=log, env=env)


async def until_ready(
    process: asyncio.subprocess.Process, ports: Ports, data: Path, within: float = 30.0
) -> Client:
    """Wait until the server we started answers, and connect.

    Raises NoServer if it ends instead: another server on a busy port must not pass for ours.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while loop.time() < end:
        if process.returncode is not None:
            break
        try:
            client = await connect_to(f"127.0.0.1:{ports.grpc}")
            await client.service_client.check_health()
        except Exception:
            await asyncio.sleep(0.05)
            continue
        await asyncio.sleep(0.05)  # a server that lost the race for its port is gone by now
        if process.returncode is None:
            return client
    raise NoServer(f"the embedded server did not start; its log: {data / 'logs' / 'server.log'}")
