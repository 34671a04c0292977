"""Make `.venv` from a lock, with the standard library only. Started by `scripts/setup`.

    setup.py run            what Braid needs at run time (locks/run.txt)
    setup.py test           the same and the tools of the tests (locks/test.txt)
    setup.py current KIND   exit 0 when the running interpreter's `.venv` is up to date, else 1

The environment is built beside (`.venv.new-<pid>`) and renamed when done, so an interrupted
set-up leaves nothing half made. Standard output stays empty: it belongs to the command that
wanted the set-up. Exit codes: 0 ready, 1 failed with one line saying why, 130 interrupted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # python -I leaves the checkout out

from scripts.installer import Runner, SetupError, explain, explain_os, make_empty, remove, say  # noqa: E402

OLDEST = (3, 11)
STAMP = "braid-stamp.json"
LOG = ".venv.log"
KINDS = ("run", "test")


def stamp_of(root: Path, kind: str) -> dict[str, str]:
    """What a set-up of `kind`, made now by this Python, is stamped with."""
    locks = {name: (root / "locks" / f"{name}.txt").read_bytes() for name in KINDS}
    return {
        "kind": kind,
        "python": ".".join(map(str, sys.version_info[:2])),
        "place": str(root),
        **{name: hashlib.sha256(lock).hexdigest() for name, lock in locks.items()},
    }


def read_stamp(root: Path) -> dict[str, str]:
    """Read the stamp of `.venv`, empty when there is none."""
    try:
        stamp = json.loads((root / ".venv" / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in stamp.items()} if isinstance(stamp, dict) else {}


def satisfies(stamp: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Tell whether an environment with `stamp` serves where `wanted` is asked for.

    An environment for the tests serves at run time as long as the run-time lock is the same.
    """
    compared = {"python", "place", wanted["kind"]}
    kinds = (wanted["kind"], "test")
    return stamp.get("kind") in kinds and all(stamp.get(k) == wanted[k] for k in compared)


def is_current(root: Path, kind: str) -> bool:
    """Ask the Python of `.venv` itself: it may no longer run, or have become another version."""
    python = root / ".venv" / "bin" / "python"
    asked = os.environ.get("BRAID_PYTHON")
    if asked and read_stamp(root).get("python") != ".".join(map(str, sys.version_info[:2])):
        return False
    try:
        return subprocess.call([python, "-I", "-S", __file__, "current", kind]) == 0
    except OSError:
        return False


def alive(pid: int) -> bool:
    """Tell whether a process of that number runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sweep(root: Path) -> None:
    """Remove what interrupted set-ups left. The caller holds the lock."""
    for path in (*root.glob(".venv.new-*"), *root.glob(".venv.old-*")):
        pid = path.name.rpartition("-")[2]
        if not pid.isdigit() or int(pid) == os.getpid() or not alive(int(pid)):
            remove(path)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Let one set-up of this checkout run at a time; the system frees it when we die."""
    with (root / ".venv.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(f"another set-up runs here (process {file.read().strip()}); waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def adopt(new: Path, venv: Path) -> None:
    """Put the finished environment in its place. Scripts name the folder they were made in."""
    for path in (*(new / "bin").iterdir(), new / "pyvenv.cfg"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1_000_000:
            content = path.read_bytes()
            if new.name.encode() in content:
                path.write_bytes(content.replace(new.name.encode(), venv.name.encode()))
    aside = venv.with_name(f"{venv.name}.old-{os.getpid()}")
    if venv.exists() or venv.is_symlink():
        venv.rename(aside)
    new.rename(venv)
    remove(aside)


def build(root: Path, kind: str) -> None:
    """Make `.venv` anew. Raises SetupError, or OSError from the file system."""
    lock = root / "locks" / f"{kind}.txt"
    total = len(re.findall(r"^[A-Za-z0-9].*==", lock.read_text(), flags=re.MULTILINE))
    stamp = stamp_of(root, kind)
    new = root / f".venv.new-{os.getpid()}"
    remove(new)
    runner = Runner(root / LOG, total)
    say(f"making .venv for {kind} with Python {sys.version.split()[0]}, {total} packages")
    try:
        install = make_empty(new, runner)
        only = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
        done, output = runner.run(*install, *only, "-r", lock)
        if not done:
            raise SetupError(f"{explain(output)} (all of it in {LOG})")
        (new / STAMP).write_text(json.dumps(stamp, indent=1))
        adopt(new, root / ".venv")
    except BaseException:
        remove(new)
        raise


def set_up(root: Path, kind: str) -> None:
    """Bring `.venv` up to date, if it is not. Tools that were there are kept."""
    if ":" in str(root):
        raise SetupError("Python makes no environment in a path with a colon; move the checkout")
    started = time.monotonic()
    with locked(root):
        if is_current(root, kind):
            return
        sweep(root)
        build(root, "test" if read_stamp(root).get("kind") == "test" else kind)
    say(f".venv is ready ({time.monotonic() - started:.0f} s)")


def stop(number: int, _frame: FrameType | None) -> None:
    """Leave by an exception, so that what was begun is removed."""
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Run the command line; see the module's docstring."""
    if sys.version_info < OLDEST:
        say(f"Python {sys.version.split()[0]} is too old; Braid needs 3.11 or newer")
        return 1
    if arguments[:1] == ["current"] and arguments[1:] and arguments[1] in KINDS:
        return 0 if satisfies(read_stamp(ROOT), stamp_of(ROOT, arguments[1])) else 1
    if len(arguments) != 1 or arguments[0] not in KINDS:
        say("usage: scripts/setup run|test")
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        set_up(ROOT, arguments[0])
    except SetupError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(explain_os(error))
        return 1
    except SystemExit:
        say("interrupted; .venv is as it was")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
