"""How good learned estimates are: error and coverage of the p95 by number of calls seen.

`.venv/bin/python -m bench.estimates` (under a minute) prints one JSON line per number of calls,
over 3,000 made-up steps whose truth is known (a log-normal body, and 3 % stragglers six times as
slow), one on how soon a change is noticed, and one on the time that learning 10,000 calls takes.
"""

import argparse
import json
import time
from math import log
from random import Random
from statistics import median

from insight.learned.estimates import estimates
from insight.learned.learning import Learned, learn
from tests.insight.durations import SIZES, Truth, attempts_of, judged, key, truths


def main() -> None:
    """Print a line per number of calls, then one on changes and one on speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    for n in SIZES:
        print(json.dumps({"calls": n, **judged(asked.seed, asked.steps, n)}), flush=True)
    for times in (1.0, 1.5, 2.0, 3.0):
        print(json.dumps(noticed(asked.seed, times)), flush=True)
    print(json.dumps(speed(asked.seed)))


def noticed(seed: int, times: float, steps: int = 100) -> dict[str, float | None]:
    """Slow steps of sigma 0.5 down after 300 calls, and see after how many of 200 more that is
    noticed; with `times` 1 every alarm is a false one.
    """
    random = Random(seed)  # noqa: S311 - a simulation
    truth, waits = Truth(log(4), 0.5), list[int]()
    for _ in range(steps):
        slow = [truth.draw(random) * (times if k >= 300 else 1) for k in range(500)]
        known: list[Learned] = []
        for k, attempt in enumerate(attempts_of(key(0), slow)):
            known = learn(known, [attempt])
            if known[0].changes:
                waits.append(k - 299)
                break
    right = [wait for wait in waits if wait > 0 and times != 1]
    return {
        "slower_by": times,
        "false_alarms": len(waits) - len(right),
        "noticed": len(right),
        "of": steps,
        "after_calls": median(right) if right else None,
    }


def speed(seed: int) -> dict[str, float]:
    """Time learning and estimating 10,000 calls with tokens, of 100 steps."""
    random = Random(seed)  # noqa: S311 - a simulation
    news = [
        a.model_copy(update={"output_tokens": random.randint(50, 1500), "queue": 0.1})
        for number, truth in enumerate(truths(random, 100))
        for a in attempts_of(key(number), [truth.draw(random) for _ in range(100)])
    ]
    begun = time.perf_counter()
    known = learn([], news)
    learned = time.perf_counter()
    estimates(known)
    done = time.perf_counter()
    return {
        "learned": len(news),
        "learn_s": round(learned - begun, 2),
        "estimate_s": round(done - learned, 2),
        "bytes_a_step": round(sum(len(k.model_dump_json()) for k in known) / len(known)),
    }


if __name__ == "__main__":
    main()
