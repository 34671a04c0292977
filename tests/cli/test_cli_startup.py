"""What a command loads before it does anything: people wait for that each time."""

import json
import subprocess
import sys

from runtime.settings import ROOT

HEAVY = {"pydantic", "temporalio", "sqlalchemy", "httpx", "starlette", "uvicorn", "structlog"}
"""Each takes a tenth of a second or brings others that do."""
TELL = """
import json, sys
import starter
code = starter.main()
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def loaded(*command: str) -> tuple[str, set[str]]:
    """Run a command of `starter.py`; give what it wrote and the packages it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, *command], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    *said, told = done.stdout.strip().splitlines()
    code, packages = json.loads(told)
    assert code == 0, done.stderr
    return "\n".join(said), set(packages)


def test_help_loads_no_heavy_library() -> None:
    said, packages = loaded("--help")
    assert "explain" in said  # of a part
    assert "blueprint" in said  # a group
    assert not packages & HEAVY
