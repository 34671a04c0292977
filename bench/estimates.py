"""How good learned estimates are: error and coverage of the p95 by number of calls seen.

`.venv/bin/python -m bench.estimates` (a minute) prints one JSON line per number of calls, over
3,000 made-up steps whose truth is known: a log-normal body, and 3 % stragglers six times as slow.
"""

import argparse
import json
import time

from tests.insight.durations import SIZES, judged


def main() -> None:
    """Print a line per number of calls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    for n in SIZES:
        begun = time.perf_counter()
        found = judged(asked.seed, asked.steps, n)
        took = round(time.perf_counter() - begun, 1)
        print(json.dumps({"calls": n, **found, "seconds": took}), flush=True)


if __name__ == "__main__":
    main()
