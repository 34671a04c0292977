"""How quick the HTML report is in Chromium: opening, and the frames while one zooms and scrolls.

`.venv/bin/python -m bench.page [SPANS]` prints one JSON line. The run is made of 40 branches in
which calls follow one another, as an agent's do, with a fan-out of 50 every so often.
"""

import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from insight.report import Report, report
from insight.shown.html import page
from tests.insight.builder import Run
from tests.support.browser import Tab, browser

FRAMES = """(async () => {
  const body = document.querySelector('.body'), roll = document.querySelector('.roll');
  const box = roll.getBoundingClientRect(), found = [];
  const frame = () => new Promise(go => requestAnimationFrame(go));
  await frame();
  let before = performance.now();
  for (let step = 0; step < 120; step += 1) {
    const deltaY = step < 40 ? -40 : step < 80 ? 40 : 0;
    if (deltaY) body.dispatchEvent(new WheelEvent('wheel', {
      bubbles: true, cancelable: true, ctrlKey: true, deltaY,
      clientX: box.x + box.width / 2, clientY: box.y + 50,
    }));
    else roll.scrollTop += 40;
    await frame();
    found.push(performance.now() - before);
    before = performance.now();
  }
  return found;
})()"""


def made(spans: int, seed: int = 1) -> Report:
    """Make a run of so many calls."""
    draw, run, clocks = random.Random(seed), Run(), dict.fromkeys(range(40), 0)  # noqa: S311
    for number in range(spans):
        branch = number % 40
        lasts = draw.randint(20, 4_000)
        run.call(
            f"step {number % 17}", clocks[branch], clocks[branch] + lasts, branch=f"agent {branch}"
        )
        clocks[branch] += 0 if number // 40 % 20 == 7 else lasts + draw.randint(1, 300)
    run.finish(max(clocks.values()) + 5_000)
    return report(run.events)


def measured(tab: Tab, file: Path) -> dict[str, float]:
    """Open a page and work with it; milliseconds."""
    tab.open(file)
    paint = "performance.getEntriesByName('first-contentful-paint')[0]"
    tab.until(f"{paint} !== undefined")
    frames = sorted(tab.run(FRAMES))
    return {
        "first_paint_ms": round(tab.run(f"{paint}.startTime")),
        "frame_median_ms": round(statistics.median(frames), 1),
        "frame_p95_ms": round(frames[int(len(frames) * 0.95)], 1),
        "elements": tab.run("document.querySelectorAll('.chart *').length"),
    }


def main() -> None:
    """Make a run, its page, and measure."""
    known = made(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
    begun = time.perf_counter()
    document = page(known)
    wrote = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder)) as tab:
        file = Path(folder, "report.html")
        file.write_text(document, encoding="utf-8")
        found = measured(tab, file)
    size = {"spans": len(known.spans), "write_ms": round(wrote * 1000), "bytes": len(document)}
    print(json.dumps({**size, **found}))


if __name__ == "__main__":
    main()
