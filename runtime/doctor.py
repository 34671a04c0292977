"""What this machine must offer, looked at one by one: for `starter.py doctor`."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from runtime.addresses import running_stack
from runtime.server import CLI_VERSION
from runtime.settings import ROOT, Settings

OLDEST_PYTHON = (3, 11)
SERVER_VERSION = "1.32.0"
NEEDED_MB = 500
"""Free space for the server's database and the store; 1 MB is 1 000 000 bytes."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `mend` says what to do and is empty when all is well."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Look at everything Braid needs. Changes nothing but a passing file in the data folder."""
    return [
        python(),
        environment(ROOT),
        temporal(Path(sys.executable).parent / "temporal"),
        space(settings.data),
        writable(settings.data),
        stack(settings.data),
        vendors(settings),
        loopback(),
        encoding(getattr(sys.stdout, "encoding", None)),
    ]


def python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Is this Python new enough?"""
    words = ".".join(map(str, version))
    if version >= OLDEST_PYTHON:
        return Finding("python", True, words)
    return Finding(
        "python", False, words, "install Python 3.11 or newer, then run `make clean setup`"
    )


def environment(root: Path) -> Finding:
    """Does `.venv` hold what the locks say? Asked of the set-up itself."""
    interpreter = root / ".venv" / "bin" / "python"
    if Path(sys.prefix).resolve() != (root / ".venv").resolve():
        return Finding("environment", True, f"{sys.prefix}, not made by `make setup`")
    script = root / "scripts" / "setup.py"
    asked = subprocess.run([interpreter, "-I", "-S", script, "current", "run"], capture_output=True)
    if asked.returncode == 0:
        return Finding("environment", True, ".venv is up to date with locks/run.txt")
    return Finding("environment", False, ".venv does not match locks/run.txt", "run `make setup`")


def temporal(binary: Path) -> Finding:
    """Is the binary of the embedded server there, runnable and of the version we measured?"""
    mend = "run `make clean setup`"
    try:
        asked = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        why = getattr(error, "strerror", None) or "no answer in 20 s"
        return Finding("temporal", False, f"{binary} does not run: {why}", mend)
    words = ((asked.stdout or asked.stderr).strip().splitlines() or ["no answer"])[0]
    fits = f"version {CLI_VERSION} " in words and f"Server {SERVER_VERSION}" in words
    wanted = f"; expected {CLI_VERSION} (Server {SERVER_VERSION})"
    return Finding("temporal", fits, words if fits else words + wanted, "" if fits else mend)


def space(data: Path) -> Finding:
    """Is there room where the data will lie?"""
    free = shutil.disk_usage(_existing(data)).free // 1_000_000
    ok = free >= NEEDED_MB
    mend = "" if ok else f"free {NEEDED_MB} MB there, or set BRAID_DATA to another folder"
    return Finding("disk", ok, f"{free} MB free for {data}", mend)


def writable(data: Path) -> Finding:
    """Can the data folder be written, or made?"""
    place = _existing(data)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        detail = f"{place} cannot be written: {error.strerror}"
        return Finding("data folder", False, detail, "set BRAID_DATA to a folder of your own")
    return Finding("data folder", True, str(data))


def stack(data: Path) -> Finding:
    """Does this clone run a stack? Either answer is well."""
    running = running_stack(data) if (data / "stack.json").exists() else None
    if running is None:
        return Finding("stack", True, "none runs; commands start their own")
    return Finding("stack", True, f"runs (process {running.pid}), UI {running.ui}")


def vendors(settings: Settings) -> Finding:
    """Which model vendors would really be called, with `--live`? Nobody, without."""
    live = replace(settings, live=True)
    real = [name for name in settings.models.vendors_in_use if live.is_live(name)]
    rest = [name for name in settings.models.vendors_in_use if name not in real]
    said = f"--live calls {', '.join(real)}" if real else "no key is set: all are simulated"
    if real and rest:
        said += f"; {', '.join(rest)} stay simulated (no key)"
    return Finding("models", True, said)


def loopback() -> Finding:
    """Can a server listen on 127.0.0.1 and be reached?"""
    try:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection(server.getsockname(), timeout=5),
        ):
            return Finding("loopback", True, "127.0.0.1 can be listened on and reached")
    except OSError as error:
        mend = "allow connections to 127.0.0.1 (firewall, sandbox or container settings)"
        return Finding("loopback", False, f"127.0.0.1: {error}", mend)


def encoding(name: str | None) -> Finding:
    """Can the terminal show what we write?"""
    ok = (name or "").lower().replace("-", "") == "utf8"
    mend = "" if ok else "set PYTHONUTF8=1, or LANG to a UTF-8 locale such as C.UTF-8"
    return Finding("encoding", ok, name or "none", mend)


def _existing(path: Path) -> Path:
    return next(p for p in (path, *path.absolute().parents) if os.path.lexists(p))
