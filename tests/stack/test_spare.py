"""The spare: it waits, serves once, as the code of that moment, and ends with its owner."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from runtime.processes import spawn
from runtime.settings import ROOT
from runtime.spare import WAITS, Spare

PROGRAM = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from runtime import spare

class Changing:
    def readline(self):
        text = Path(__file__).read_text()
        Path(__file__).write_text(text.replace("as " + "loaded", "as " + "written since"))
        return sys.__stdin__.readline()

spare.HERE = str(Path(__file__).parent)
if "changing" in __file__:
    sys.stdin = Changing()
named = spare.awaited_name() if spare.WAITS in sys.argv else sys.argv[1]
print(named, "as loaded")
"""


async def test_a_spare_serves_once_never_as_code_of_yesterday_and_ends_with_its_owner(
    tmp_path: Path,
) -> None:
    """One whose code has changed while it waited begins anew, under its name."""

    async def begin(name: str) -> Process:
        file = tmp_path / f"{name}.py"
        file.write_text(PROGRAM, encoding="utf-8")
        log = tmp_path / f"{name}.log"
        return await spawn([sys.executable, str(file), WAITS], log=log, stdin=PIPE)

    def told(name: str) -> str:
        return (tmp_path / f"{name}.log").read_text(encoding="utf-8").strip()

    same, changing = Spare(lambda: begin("same")), Spare(lambda: begin("changing"))
    idle, orphan = Spare(lambda: begin("idle")), await begin("orphan")
    for spare in (same, changing, idle):
        await spare.prepare()
    assert orphan.stdin is not None
    orphan.stdin.close()
    taken = [one for one in (same.take("worker-2"), changing.take("worker-3")) if one]
    assert same.take("worker-4") is None, "it serves once"
    codes = await asyncio.gather(orphan.wait(), *(one.wait() for one in taken))
    assert (codes, told("orphan")) == ([0, 0, 0], "")
    assert told("same") == "worker-2 as loaded"
    assert told("changing") == "--identity=worker-3 as written since"

    await idle.end()
    assert (idle.take("worker-5"), told("idle")) == (None, "")
