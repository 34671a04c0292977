"""The simulator as a process of its own: ready line, signals, bad input."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import httpx
import pytest

from simulator.__main__ import main

pytestmark = pytest.mark.server

ROOT = Path(__file__).resolve().parents[2]


async def start(*options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize(
    ("number", "host", "where"),
    [(signal.SIGTERM, (), "127.0.0.1"), (signal.SIGINT, ("--host", "0.0.0.0"), "0.0.0.0")],  # noqa: S104
)
async def test_it_tells_its_address_and_ends_cleanly(
    number: signal.Signals, host: tuple[str, ...], where: str
) -> None:
    fault = json.dumps([{"service": "chat", "kind": "error"}])
    limit = json.dumps([{"service": "gleif", "requests": 0}])
    options = ("--speed", "1000", "--faults", fault, "--limits", limit, "--die-with-parent", *host)
    process = await start(*options)
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), timeout=120)
    told = json.loads(line)
    url = told["simulator"]
    assert url.startswith(f"http://{where}:")
    assert told["smtp"].startswith(f"smtp://{where}:")
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        assert (await client.get("/companies_house/company/00041424")).status_code == 200
        assert (await client.post("/chat/webhook", json={"text": "x"})).status_code == 500
        assert (await client.get("/gleif/api/v1/lei-records/x")).status_code == 429
        process.send_signal(number)
        rest, log = await asyncio.wait_for(process.communicate(), timeout=60)
    assert (process.returncode, rest) == (0, b""), log
    assert b"companies_house" in log


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("--faults", "[{}]", "service"),
        ("--faults", "@nowhere.json", "nowhere.json"),
        ("--limits", '[{"service": "openai"}]', "limits nothing"),
        ("--speed", "0", "speed"),
        ("--error-rate", "2", "error_rate"),
    ],
)
def test_bad_input_gets_a_message_and_exit_code_2(
    option: str, value: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([option, value]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert word in shown.err


async def test_a_taken_port_gets_a_message_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = await start("--port", str(taken.getsockname()[1]))
        out, log = await asyncio.wait_for(process.communicate(), timeout=120)
    assert (process.returncode, out) == (2, b"")
    assert b"in use" in log
    assert b"Traceback" not in log
