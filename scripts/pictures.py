"""Make the README's pictures: the demo in the terminal, its case in the Temporal UI, its reports.

`.venv/bin/python scripts/pictures.py`: needs Chromium for all but the first.
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
from cli.dossier import page as dossier
from cli.dossier.reading import view_of
from cli.dossier.view import View
from cli.inputs import read
from cli.processes import process
from cli.session import session
from insight.report import Report
from insight.shown.html import page
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


def photograph(address: str, target: Path, profile: Path, *flags: str) -> None:
    """Take a picture of a page once it has drawn itself."""
    subprocess.run(
        [
            *(BROWSER, *FLAGS, f"--user-data-dir={profile}", "--window-size=1400,1150"),
            *("--virtual-time-budget=15000", f"--screenshot={target}", *flags, address),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )


def photograph_report(report: Report, folder: Path) -> None:
    """Take pictures of a case's HTML report, light and dark."""
    file = folder / "report.html"
    file.write_text(page(report), encoding="utf-8")
    for name, scheme in (("explain.png", 1), ("explain-dark.png", 0)):
        flag = f"--blink-settings=preferredColorScheme={scheme}"
        photograph(file.as_uri(), IMAGES / name, folder / "profile", flag)


def photograph_dossier(view: View, folder: Path) -> None:
    """Take a picture of the first page of a case's dossier."""
    file = folder / "dossier.html"
    file.write_text(dossier.page(view), encoding="utf-8")
    flags = ("--window-size=830,1180", "--blink-settings=preferredColorScheme=1")
    photograph(file.as_uri(), IMAGES / "dossier.png", folder / "profile", *flags)


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
                await asyncio.to_thread(photograph_report, shown.report, Path(folder))
                view = await view_of(here, shown.case)
                await asyncio.to_thread(photograph_dossier, view, Path(folder))
            else:
                sys.stderr.write("no Chromium: pictures of pages were not taken\n")


if __name__ == "__main__":
    asyncio.run(main())
