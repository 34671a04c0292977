"""HiGHS, in a process of its own: it writes to the screen, and must be able to be stopped.

`python -m cli.highs SECONDS` reads a program as JSON and writes the answer as its last line.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from math import inf
from time import process_time
from typing import Any

from insight.plan.optimise.program import Answer, Program

SECONDS, GAP = 2.3, 0.004
"""When a solver stops: after so much of the processor's time, so that a plan does not depend on how
busy the machine is, or once it is known to be so near the best."""
_WAIT = 4
"""How many times as long may pass until it stops anyway."""
_SPARE = 10.0
"""Seconds more to start and to stop in."""


def there() -> bool:
    """Say whether HiGHS is installed."""
    return find_spec("highspy") is not None


def solve(program: Program) -> Answer | None:
    """Solve a program; None if it has no solution, or none was found in time."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "cli.highs", str(SECONDS)],
            input=json.dumps(asdict(program)),
            capture_output=True,
            text=True,
            timeout=SECONDS * _WAIT + _SPARE,
            check=True,
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    return Answer(tuple(found["values"]), found["status"], found["gap"]) if found else None


def in_process(program: Program, seconds: float, gap: float = GAP) -> Answer | None:
    """Solve a program here, in so many seconds of this process: one thread, a fixed seed."""
    import highspy

    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 1,
        "time_limit": seconds * _WAIT,
        "mip_rel_gap": gap,
    }.items():
        solver.setOptionValue(option, value)
    solver.passModel(_stated(program))
    known = highspy.HighsSolution()
    known.col_value = program.known
    solver.setSolution(known)
    until = process_time() + seconds

    def stop(event: Any) -> None:
        if process_time() > until:
            event.interrupt()

    solver.cbMipInterrupt += stop
    solver.run()
    info = solver.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    status = solver.modelStatusToString(solver.getModelStatus())
    left = max(0.0, info.mip_gap) if info.mip_gap < inf else 1.0
    return Answer(tuple(solver.getSolution().col_value), status, left)


def _stated(program: Program) -> Any:
    """State a program as HiGHS takes it."""
    import highspy

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(program.costs), len(program.rows)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.costs, program.lower, program.upper
    lp.row_lower_ = [row[0] for row in program.rows]
    lp.row_upper_ = [row[1] for row in program.rows]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    starts = [0]
    for row in program.rows:
        starts.append(starts[-1] + len(row[2]))
    lp.a_matrix_.start_ = starts
    lp.a_matrix_.index_ = [column for row in program.rows for column, _ in row[2]]
    lp.a_matrix_.value_ = [value for row in program.rows for _, value in row[2]]
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kInteger if whole else kinds.kContinuous for whole in program.whole]
    return lp


def main() -> None:
    """Answer standard input on standard output."""
    answer = in_process(Program(**json.load(sys.stdin)), float(sys.argv[1]))
    sys.stdout.write("\n" + json.dumps(asdict(answer) if answer else None) + "\n")


if __name__ == "__main__":
    main()
