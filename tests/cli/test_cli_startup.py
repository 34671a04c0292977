"""What a command loads before it does anything: people wait for that each time."""

import json
import subprocess
import sys

from runtime.settings import ROOT

TELL = """
import json, sys

def tell():
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))

import starter
assert starter.main() == 0
tell()
import cli.running
tell()
"""
SERVING = {"httpx", "sqlalchemy", "starlette", "uvicorn"}
HEAVY = {"pydantic", "structlog", "temporalio", *SERVING}
"""Each takes a twentieth of a second at least, or brings others that do."""


def test_help_loads_no_heavy_library_and_looking_at_a_case_no_server_nor_store() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TELL, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    *helped, of_help, of_status = done.stdout.strip().splitlines()
    assert "explain" in "".join(helped)  # of a part
    assert "blueprint" in "".join(helped)  # a group
    assert not set(json.loads(of_help)) & HEAVY
    packages = set(json.loads(of_status))
    assert not packages & SERVING
    assert {"pydantic", "temporalio"} <= packages  # so it can be told from none at all
