"""The README's curl lines, sent as they stand there, to the server's own HTTP API."""

import asyncio
import json
from typing import Any

import pytest

from runtime.server import Ports
from runtime.settings import ROOT
from tests.support.tools import needs
from tests.support.world import World, case_file

pytestmark = [pytest.mark.server, needs("curl")]


def readme_lines() -> list[str]:
    """Give the curl lines of the README's marked block."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split("<!-- http:")[1].split("```sh\n")[1].split("```")[0]
    lines = [line for line in block.splitlines() if line.startswith("curl ")]
    assert len(lines) == 7, "the README's block changed: change this test with it"
    return lines


async def send(line: str, base: str, case: str) -> Any:
    """Send one line through a shell and give the JSON that came back."""
    script = f"J='Content-Type: application/json'; B={base}; CASE={case}\n{line}"
    shell = await asyncio.create_subprocess_exec("sh", "-c", script, stdout=asyncio.subprocess.PIPE)
    said, _ = await shell.communicate()
    assert shell.returncode == 0, line
    return json.loads(said)


async def test_the_readmes_curl_lines_do_what_it_says(here: World, temporal: Ports) -> None:
    """Query, signal, refused signal, update: each answers as documented."""
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    base = f"http://127.0.0.1:{temporal.http}/api/v1/namespaces/default"
    answers = [await send(line, base, handle.id) for line in readme_lines()]
    status, gates, _reply, _signal, refusals, update, cost = answers
    assert status["queryResult"][0]["phase"] == "review"
    assert gates["queryResult"][0][0]["proposal"] == "approve"
    why = [r["reason"] for r in refusals["queryResult"][0]]
    assert any("wrote the case" in w for w in why)
    assert update["outcome"]["success"][0]["settled"] is True
    assert int(cost["queryResult"][0]["calls"]) > 0
    assert (await here.result(handle)).outcome == "approve"
