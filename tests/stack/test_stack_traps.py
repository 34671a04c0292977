"""The traps of an embedded server: busy ports, two owners, orphans, stale files."""

import asyncio
import json
import os
import signal
import socket
from dataclasses import asdict
from pathlib import Path

import pytest

from runtime import server
from runtime.addresses import running_stack
from runtime.errors import NoServer
from runtime.processes import alive, lock, stop
from runtime.server import Ports
from runtime.settings import ROOT, Settings
from runtime.stack import Child, Stack
from tests.stack.support import (
    ON_LINUX,
    PATIENCE,
    begin,
    braid,
    ended,
    environment,
    finished,
    living,
    stack_process,
    until,
    world_on,
)

pytestmark = pytest.mark.server


def pid_of(child: Child) -> int:
    """Give the pid of a child's present incarnation."""
    assert child.process is not None
    return child.process.pid


@pytest.mark.parametrize(
    "broken",
    ["", "{", "[]", "7", '{"grpc": "x"}', '{"grpc": 99999}', '{"grpc": -1}', '{"grpc": true}'],
)
def test_a_broken_memory_of_ports_is_healed(tmp_path: Path, broken: str) -> None:
    """Whatever stands in ports.json, five different ports are chosen and remembered."""
    memory = tmp_path / "ports.json"
    memory.write_text(broken, encoding="utf-8")
    chosen = Ports.choose(memory)
    assert len(set(asdict(chosen).values())) == 7
    assert json.loads(memory.read_text(encoding="utf-8")) == asdict(chosen)


def test_remembered_ports_are_taken_again_except_busy_ones(tmp_path: Path) -> None:
    """A busy port is avoided; the free ones stay, so that addresses stay the same."""
    memory = tmp_path / "ports.json"
    before = Ports.choose(memory)
    with socket.create_server(("127.0.0.1", before.ui)):
        after = Ports.choose(memory)
    assert after.ui != before.ui
    assert (after.grpc, after.simulator) == (before.grpc, before.simulator)


async def test_a_foreign_server_on_the_remembered_port_is_not_taken_for_ours(
    temporal: Ports, tmp_path: Path
) -> None:
    """The stack goes elsewhere; the other server's cases are not among its own."""
    (tmp_path / "ports.json").write_text(json.dumps(asdict(temporal)), encoding="utf-8")
    async with Stack(Settings(data=tmp_path), speed=100) as stack:
        assert stack.addresses.grpc != f"127.0.0.1:{temporal.grpc}"
        assert {asdict(stack.ports)[n] for n in ("grpc", "http", "ui", "metrics")}.isdisjoint(
            asdict(temporal).values()
        )
        assert [w async for w in stack.client.list_workflows()] == []
        assert running_stack(tmp_path) == stack.addresses
        with pytest.raises(NoServer, match="running, starting or stopping already"):
            await Stack(Settings(data=tmp_path)).__aenter__()
        assert await stack.client.service_client.check_health(), "the first one is unharmed"
        assert running_stack(tmp_path) == stack.addresses
    assert running_stack(tmp_path) is None


async def test_a_server_that_lost_the_race_for_its_port_is_not_attached_to(
    temporal: Ports, tmp_path: Path
) -> None:
    """Another server answers on the port from the start; ours ends, and that is said."""
    with pytest.raises(NoServer, match=r"did not start; its log: .*server\.log"):
        await server.begin(tmp_path, temporal)


async def test_a_server_that_ends_at_once_is_started_again(tmp_path: Path) -> None:
    """Somebody had one of its ports for a moment: here until it has ended once."""
    ports, log = Ports.choose(tmp_path / "ports.json"), tmp_path / "logs" / "server.log"
    with socket.create_server(("127.0.0.1", ports.http)) as busy:
        beginning = asyncio.create_task(server.begin(tmp_path, ports))
        while not log.exists() or "already in use" not in log.read_text(encoding="utf-8"):
            await asyncio.sleep(0.01)
        busy.close()
        process, client = await beginning
    try:
        assert await client.service_client.check_health()
    finally:
        await stop(process, 5, hard=True)


async def test_a_banner_of_an_earlier_server_is_not_believed(
    temporal: Ports, tmp_path: Path
) -> None:
    """The log tells of a server that served this port before; only the last start counts."""
    log = tmp_path / "logs" / "server.log"
    log.parent.mkdir()
    log.write_text(f"Temporal Server: localhost:{temporal.grpc}\n", encoding="utf-8")
    process = await server.start(tmp_path, temporal)
    with pytest.raises(NoServer):
        await server.until_ready(process, temporal, tmp_path)
    await process.wait()


def test_a_stack_file_without_a_living_stack_is_not_believed(tmp_path: Path) -> None:
    """Neither alone, nor while others look at the same moment."""
    stale = {"nonce": "dead", "pid": os.getpid(), "grpc": "127.0.0.1:1", "http": "", "ui": ""}
    stale |= {"simulator": "", "speed": 1, "live": False}
    (tmp_path / "stack.json").write_text(json.dumps(stale), encoding="utf-8")
    (tmp_path / "stack.lock").write_text("12345", encoding="utf-8")
    assert running_stack(tmp_path) is None
    with lock(tmp_path / "stack.lock", shared=True):  # as another command does while it looks
        assert running_stack(tmp_path) is None


@ON_LINUX
async def test_a_killed_stack_takes_its_children_along_and_its_cases_live_on(
    tmp_path: Path,
) -> None:
    """SIGKILL of the owner: no orphan; the next stack on the data has the case and ends it."""
    async with stack_process(tmp_path, "--speed", "100") as (owner, addresses):
        ran = await braid(
            tmp_path, "run", "due-diligence", ROOT / "cases/unilever.yaml", "--detach", "--json"
        )
        case = ran.json()["case"]
        async with world_on(addresses, tmp_path) as here:
            await here.gate(here.client.get_workflow_handle(case))
        family = living(tmp_path)
        assert len(family) == 5, "owner, server, simulator, worker, spare"
        owner.kill()
        await owner.wait()
        await until(lambda: all(map(ended, family)), PATIENCE, f"all of {family} are gone")
    assert (tmp_path / "stack.json").exists(), "or nothing stale is tested below"
    assert running_stack(tmp_path) is None
    stack = Stack(Settings(data=tmp_path), speed=100)
    starting = asyncio.create_task(stack.__aenter__())
    while not starting.done():
        found = running_stack(tmp_path)
        assert found is None or found.nonce == stack.nonce, "the dead stack's file is believed"
        await asyncio.sleep(0.02)
    await starting
    try:
        assert stack.addresses.ui == addresses.ui, "links of yesterday stay good"
        assert [w.id async for w in stack.client.list_workflows()] == [case]
        done = await braid(tmp_path, "decide", case, "approve", "--as", "ana", "--json")
        assert done.json()["settled"]
        record = await stack.client.get_workflow_handle(case).result()
        assert record["outcome"] == "approve"
    finally:
        await stack.__aexit__()


@ON_LINUX
@pytest.mark.parametrize("children", [1, 2, 3])
async def test_an_owner_killed_while_starting_leaves_no_orphan(
    tmp_path: Path, children: int
) -> None:
    """A child that has not yet looked for its parent when that dies, ends all the same."""
    owner = await begin(tmp_path, "stack", "--json")
    await until(lambda: len(living(tmp_path)) > children, PATIENCE, "the child appears")
    owner.kill()
    await finished(owner)
    try:
        await until(lambda: not living(tmp_path), PATIENCE, "an orphan is left")
    finally:
        for orphan in living(tmp_path):
            os.kill(orphan, signal.SIGKILL)


async def test_a_worker_with_bad_settings_stops_the_stack_and_names_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2 is not tried again: one line says where to read why."""
    monkeypatch.setenv("BRAID_LOG", "nonsense")
    stack = Stack(Settings(data=tmp_path))
    with pytest.raises(NoServer, match=r"worker does not stay up \(exit 2\); .*log: .*BRAID_LOG"):
        await stack.__aenter__()
    assert "BRAID_LOG" in (tmp_path / "logs" / "worker.log").read_text(encoding="utf-8")
    assert not alive(pid_of(stack.server))
    assert not alive(pid_of(stack.simulator))
    lock(tmp_path / "stack.lock").close()


@ON_LINUX
async def test_temporal_variables_do_not_reach_the_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded stack comes up beside an explicit service, and its parts know none of it."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    async with Stack(Settings(data=tmp_path), speed=100) as stack:
        for child in (stack.server, stack.simulator, stack.worker):
            environ = environment(pid_of(child))
            assert environ
            named = {v for v in environ.split(b"\0") if v.startswith(b"TEMPORAL_")}
            ours = {b"TEMPORAL_VERSION_CHECK_DISABLED=true"} if child is stack.server else set()
            assert named == ours


@ON_LINUX
async def test_an_interrupted_stack_ends_well_and_leaves_no_process(tmp_path: Path) -> None:
    """SIGINT: exit 0, no children, no file that claims a stack."""
    async with stack_process(tmp_path) as (owner, _):
        owner.send_signal(signal.SIGINT)
        done = await finished(owner)
    assert (done.code, done.out) == (0, "")
    assert "data is kept" in done.err
    assert living(tmp_path) == {}
    assert not (tmp_path / "stack.json").exists()


@ON_LINUX
async def test_an_interrupted_demo_takes_its_own_stack_down(tmp_path: Path) -> None:
    """SIGINT in mid-flight: exit 130, no process is left."""
    demo = await begin(tmp_path, "demo", "--json", "--speed", "1")
    assert demo.stderr is not None
    while b"started" not in (line := await demo.stderr.readline()):
        assert line, "it ended before its case began"
    assert len(living(tmp_path)) == 4
    demo.send_signal(signal.SIGINT)
    done = await finished(demo)
    assert (done.code, done.out) == (130, "")
    assert "Traceback" not in done.err
    assert living(tmp_path) == {}
