"""Make the README's pictures: the demo in the terminal, and its case in the Temporal UI.

`.venv/bin/python scripts/pictures.py`: needs Chromium for the UI's picture.
"""

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cli import demo
from cli.inputs import read
from cli.processes import process
from cli.session import session
from runtime.settings import ROOT, Settings

IMAGES = ROOT / "docs" / "images"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome") or ""
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def photograph(page: str, target: Path, profile: Path) -> None:
    """Take a picture of a page once it has drawn itself."""
    subprocess.run(
        [
            *(BROWSER, *FLAGS, f"--user-data-dir={profile}", "--window-size=1400,1150"),
            *("--virtual-time-budget=15000", f"--screenshot={target}", page),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )


async def main() -> None:
    """Run the demo on a stack of its own and keep what a person would see."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings(), data=Path(folder))
        async with session(settings, own=True, speed=4) as here:
            console = Console(record=True, width=110, force_terminal=True)
            entry = process("due-diligence")
            given = read(ROOT / "cases" / "bank_saderat.yaml", entry.record)
            shown = await demo.demo(here, entry, given, console, crash=False, quiet=True)
            demo.draw(shown, here, console)
            picture = console.export_svg(title="make demo")
            local = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
            (IMAGES / "demo.svg").write_text(local, encoding="utf-8")
            if BROWSER:
                target = IMAGES / "temporal-ui.png"
                await asyncio.to_thread(
                    photograph, here.page(shown.case), target, Path(folder) / "profile"
                )
            else:
                sys.stderr.write("no Chromium: the UI's picture was not taken\n")


if __name__ == "__main__":
    asyncio.run(main())
