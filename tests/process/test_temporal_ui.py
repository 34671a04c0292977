"""The case as a person sees it in the Temporal UI, opened in Chromium."""

import asyncio
from pathlib import Path

import pytest

from runtime.server import Ports
from tests.support.tools import needs
from tests.support.world import World, case_file

pytestmark = [pytest.mark.server, needs("chromium")]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1500,3000",
    "--virtual-time-budget=20000",
)


async def test_the_ui_shows_the_case_with_its_branches(
    here: World, temporal: Ports, tmp_path: Path
) -> None:
    """Status, workflow id and the summaries that name branches are on the page."""
    handle = await here.start(case_file("bank_saderat"))
    await here.gate(handle)
    await here.decide(handle, "decline", "mira")
    await here.result(handle)
    page = f"http://127.0.0.1:{temporal.ui}/namespaces/default/workflows/{handle.id}"
    browser = await asyncio.create_subprocess_exec(
        *("chromium", *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    shown, _ = await asyncio.wait_for(browser.communicate(), 300)
    text = shown.decode()
    for words in (handle.id, "Completed", "sanctions: sanctions_search", "decide"):
        assert words in text, f"the page does not show {words!r}"
