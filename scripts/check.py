"""Run the quick checks side by side and show each one's output when it ends.

Style, layout, types, import contracts and the tests that need no server. Exit code 1 when any of
them fails. Run it with the Python of `.venv` from the checkout: `make check`.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
"""import-linter has no module that can be run."""

FIRST = ("tests/patterns", "tests/rules", "tests/store")
"""So much that these tests and the types take as long as all other tests that need no server."""

PARTS: dict[str, list[str]] = {
    "tests without a server, first part": [*("-m", "pytest", "-q", "-m", "not server"), *FIRST],
    "tests without a server, the rest": [
        *("-m", "pytest", "-q", "-m", "not server"),
        *(f"--ignore={folder}" for folder in FIRST),
    ],
    "types": ["-m", "mypy"],
    "import contracts": ["-c", LINT_IMPORTS, "--no-logo"],
    "style": ["-m", "ruff", "check", "."],
    "layout": ["-m", "ruff", "format", "--check", "."],
}
"""The longest first: they decide how long the whole takes."""


def run(part: str) -> tuple[bool, str]:
    """Run one part; return whether it passed and what to show."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *PARTS[part]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    passed = done.returncode == 0
    word = "passed" if passed else f"FAILED (exit code {done.returncode})"
    return passed, f"== {part}: {word}, {time.monotonic() - started:.1f} s\n{done.stdout}"


def main() -> int:
    """Run all parts, as many at a time as there are processors."""
    failed = []
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        running = {pool.submit(run, part): part for part in PARTS}
        for finished in as_completed(running):
            passed, report = finished.result()
            print(report, flush=True)
            if not passed:
                failed.append(running[finished])
    if failed:
        print(f"check: FAILED: {', '.join(failed)}")
        return 1
    print("check: all passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
