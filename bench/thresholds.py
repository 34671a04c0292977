"""How often a threshold breaks its promise: by the one-standard-error rule, and by luck.

`.venv/bin/python -m bench.thresholds [TRIALS]` (under a minute for 200). Broken means that what
is accepted is right more than half a point less often than the 90 % promised.
"""

import sys

from tests.insight.banks import kept, truth

SIZES = (50, 100, 300, 1000, 3000)


def main() -> None:
    """Print a row per size of the bank."""
    trials, known = range(int(sys.argv[1]) if len(sys.argv) > 1 else 200), truth()
    print(f"{len(trials)} banks each, seeds 0 to {len(trials) - 1}")
    print("labelled  rule: broken  given   best of sample: broken  given")
    for n in SIZES:
        cells = []
        for z in (1.0, 0.0):
            found = [kept(seed, n, z, known) for seed in trials]
            given = 1 - found.count(None) / len(found)
            cells.append(f"{found.count(False) / len(found):.1%} {given:8.0%}")
        print(f"{n:8} {cells[0]:>20} {cells[1]:>30}")


if __name__ == "__main__":
    main()
