"""The steps of W5 with asyncio alone: `python -m bench.speed.bare LOG`. Nothing is kept."""

import asyncio
import os
import sys
import time
from pathlib import Path

from bench.speed import w5


async def main(log: Path) -> None:
    """Do step after step, each told."""
    for number, (seconds,) in enumerate(w5.WORK.stages):
        with log.open("a", encoding="utf-8") as out:
            out.write(f"{number} begins {os.getpid()} {time.time():.4f}\n")
        await asyncio.sleep(seconds)
        with log.open("a", encoding="utf-8") as out:
            out.write(f"{number} ends {os.getpid()} {time.time():.4f}\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
