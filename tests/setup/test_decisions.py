"""What the set-up decides: what output means, whether a stamp will do, what may be swept away."""

import errno
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts import installer, setup

WANTED = {"kind": "run", "python": "3.12", "place": "/here", "run": "aa", "test": "bb"}

NO_NAMES = """\
WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError(\
'<HTTPSConnection object>: Failed to establish a new connection: [Errno -3] Temporary failure in \
name resolution')': /simple/idna/
ERROR: Could not find a version that satisfies the requirement idna==3.20 (from versions: none)
ERROR: No matching distribution found for idna==3.20
"""
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
UV_OFFLINE = """\
error: Failed to fetch: `https://index.example/idna/`
  Caused by: error sending request for url (https://index.example/idna/)
  Caused by: dns error: failed to lookup address information
"""
BAD_HASH = """\
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated
    idna==3.20 from file:///w/idna-3.20-py3-none-any.whl:
        Expected sha256 00
"""
NO_WHEEL = """\
ERROR: Could not find a version that satisfies the requirement greenlet==3.5.6 (from versions: 1.0)
ERROR: No matching distribution found for greenlet==3.5.6
"""
DENIED = "ERROR: HTTP error 403 while getting https://index.example/idna-3.20.whl\n"
SLOW = "ReadTimeoutError: HTTPSConnectionPool(host='files', port=443): Read timed out.\n"
UNTRUSTED = "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] self-signed'))"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (NO_NAMES, installer.NETWORK),
        (UV_OFFLINE, installer.NETWORK),
        (SLOW, installer.NETWORK),
        (FULL, installer.DISK),
        (NO_NAMES + FULL, installer.DISK),
        ("PermissionError: [Errno 13] Permission denied: '/x'", installer.READ_ONLY),
        (BAD_HASH, "a downloaded package is not the locked one"),
    ],
    ids=["names", "uv offline", "slow", "full", "full after retries", "denied", "hash"],
)
def test_output_of_pip_becomes_one_line(output: str, line: str) -> None:
    assert installer.explain(output) == line


@pytest.mark.parametrize(
    ("output", "part"),
    [
        (NO_WHEEL, "no ready-built greenlet==3.5.6 for Python"),
        (NO_NAMES.partition("\n")[2], "has not the package or cannot be reached"),
        (DENIED, "refuses to answer"),
        (UNTRUSTED, "PIP_CERT"),
        ("something\nERROR: odd thing\nmore", "ERROR: odd thing"),
        ("", "the installer failed"),
    ],
    ids=["no wheel", "no retries", "403", "certificate", "unknown", "silent"],
)
def test_other_failures_name_the_mend(output: str, part: str) -> None:
    line = installer.explain(output)
    assert part in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (errno.ENOSPC, installer.DISK),
        (errno.EDQUOT, installer.DISK),
        (errno.EROFS, installer.READ_ONLY),
        (errno.EACCES, installer.READ_ONLY),
    ],
)
def test_errors_of_the_system_become_one_line(number: int, line: str) -> None:
    assert installer.explain_os(OSError(number, os.strerror(number))) == line


@pytest.mark.parametrize(
    ("change", "wanted", "answer"),
    [
        ({}, {}, True),
        ({"kind": "test"}, {}, True),
        ({"kind": "test", "test": "old"}, {}, True),
        ({"kind": "test", "run": "old"}, {}, False),
        ({"kind": "test"}, {"kind": "test"}, True),
        ({"kind": "test", "test": "old"}, {"kind": "test"}, False),
        ({}, {"kind": "test"}, False),
        ({"run": "old"}, {}, False),
        ({"python": "3.11"}, {}, False),
        ({"place": "/elsewhere"}, {}, False),
        ({"kind": "other"}, {}, False),
    ],
)
def test_stamp_is_compared_with_what_is_wanted(
    change: Mapping[str, str], wanted: Mapping[str, str], answer: bool
) -> None:
    assert setup.satisfies({**WANTED, **change}, {**WANTED, **wanted}) is answer


def test_no_stamp_never_satisfies(tmp_path: Path) -> None:
    assert setup.read_stamp(tmp_path) == {}
    assert not setup.satisfies({}, WANTED)


def test_leftover_of_a_living_process_stays(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    for pid in (os.getppid(), os.getpid(), dead.pid):
        (tmp_path / f".venv.new-{pid}").mkdir()
    (tmp_path / ".venv.old-none").mkdir()
    setup.sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [f".venv.new-{os.getppid()}"]
