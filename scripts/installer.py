"""Make an empty environment and install a lock into it, by whatever tool this machine has.

First `python -m venv` with its own pip; where Debian left that out, an outer pip that knows
`--python` (22.3 and newer); else uv. Failures become one line each.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

DISK = "the disk is full; free about 600 MB and run it again"
READ_ONLY = "this folder cannot be written; use a checkout that belongs to you"
NETWORK = (
    "the package index cannot be reached; check the network, the proxy (HTTPS_PROXY) and"
    " PIP_INDEX_URL, then run it again"
)
SIGNS = (
    (r"\[Errno 28\]|\[Errno 122\]|No space left on device|[Qq]uota exceeded", DISK),
    (r"\[Errno 30\]|Read-only file system|\[Errno 13\]|Permission denied", READ_ONLY),
    (r"DO NOT MATCH THE HASHES|Hash mismatch", "a downloaded package is not the locked one"),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|UnknownIssuer",
        "the package index shows a certificate this machine does not trust; set PIP_CERT",
    ),
    (
        r"\b\d{3} (?:Client|Server) Error|HTTP error \d{3}|HTTP status (?:client|server) error",
        "the package index refuses to answer; check PIP_INDEX_URL and its password",
    ),
    (
        r"NewConnectionError|ConnectTimeoutError|ReadTimeoutError|Read timed out|ProxyError"
        r"|Max retries exceeded|ProtocolError|Connection(?:ResetError| refused| aborted)"
        r"|[Nn]ame resolution|Network is unreachable|error sending request|dns error",
        NETWORK,
    ),
    (
        r"\(from versions: none\)",
        "the package index has not the package or cannot be reached; check the network, the proxy"
        " (HTTPS_PROXY) and PIP_INDEX_URL",
    ),
)
"""What stands in the output of pip or uv, most telling first, and the line said for it."""


class SetupError(Exception):
    """The set-up cannot go on; the message is the one line shown."""


def say(text: str) -> None:
    """Write one line to standard error."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def explain(output: str) -> str:
    """Say in one line what the output of a failed pip or uv means."""
    for sign, line in SIGNS:
        if re.search(sign, output):
            return line
    missing = re.search(r"No matching distribution found for (\S+)", output)
    if missing:
        version = ".".join(map(str, sys.version_info[:2]))
        return (
            f"no ready-built {missing[1]} for Python {version} on this machine; name another"
            " Python with BRAID_PYTHON=/path/to/python"
        )
    errors = [line for line in output.splitlines() if line.lower().startswith("error")]
    return errors[-1] if errors else "the installer failed"


def explain_os(error: OSError) -> str:
    """Say in one line what an error of the operating system means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return READ_ONLY
    return str(error)


def remove(path: Path) -> None:
    """Remove whatever stands at `path`."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


def environment() -> dict[str, str]:
    """Our environment with the person's PIP_* kept, but for what would install elsewhere."""
    elsewhere = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON")
    env = {k: v for k, v in os.environ.items() if k not in elsewhere}
    for_uv = {
        "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
        "UV_INDEX": "PIP_EXTRA_INDEX_URL",
        "UV_FIND_LINKS": "PIP_FIND_LINKS",
        "SSL_CERT_FILE": "PIP_CERT",
    }
    translated = {uv: env[pip] for uv, pip in for_uv.items() if pip in env}
    return {"PIP_RETRIES": "3", **translated, **env, "PIP_USER": "0", "PIP_NO_COLOR": "1"}


class Runner:
    """Run commands with their output kept in the log, and show how far the packages are."""

    def __init__(self, log: Path, total: int) -> None:
        self.log = log
        self.total = total
        self.seen = 0
        log.write_bytes(b"")

    def run(self, *command: str | Path) -> tuple[bool, str]:
        """Run one command to its end. Returns whether it succeeded, and its output."""
        lines: list[str] = []
        with self.log.open("a") as log:
            log.write(f"$ {' '.join(map(str, command))}\n")
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=environment(),
            )
            assert process.stdout is not None  # noqa: S101  (asked for just above)
            try:
                for line in process.stdout:
                    log.write(line)
                    lines.append(line)
                    self.progress(line)
            except BaseException:
                process.kill()
                raise
            finally:
                process.wait()
        return process.returncode == 0, "".join(lines)

    def progress(self, line: str) -> None:
        """Count the packages pip has looked at; say so now and then."""
        if line.startswith("Installing collected packages"):
            say("unpacking")
        elif line.startswith(("Collecting ", "Processing ", "Ignoring ")):
            self.seen += 1
            if self.seen % 12 == 0 or self.seen == self.total:
                say(f"{self.seen} of {self.total} packages")


def outer_pip(python: str) -> list[str] | None:
    """Find a pip outside the new environment that can install into it.

    It is tried out: one older than 22.3 has no `--python`, and with it an old one runs under the
    new Python and may fail there.
    """
    on_path = [[found] for name in ("pip3", "pip") if (found := shutil.which(name))]
    for command in ([python, "-m", "pip"], *on_path):
        trial = [*command, "--python", python, "list", "--format=freeze"]
        try:
            if subprocess.run(trial, capture_output=True, env=environment()).returncode == 0:
                return command
        except OSError:
            continue
    return None


def routes(new: Path, base: str) -> Iterator[tuple[list[str], list[str]]]:
    """Name the ways to an environment at `new`: the command that makes it, the one that fills it.

    A later one is looked for only when an earlier one failed.
    """
    python = str(new / "bin" / "python")
    pip = ["install", "--disable-pip-version-check", "--progress-bar", "off", "--no-input"]
    if importlib.util.find_spec("venv") is not None:
        if importlib.util.find_spec("ensurepip") is not None:
            yield [base, "-m", "venv"], [python, "-m", "pip", *pip]
        if outer := outer_pip(base):
            yield [base, "-m", "venv", "--without-pip"], [*outer, "--python", python, *pip]
    if uv := shutil.which("uv"):
        yield [uv, "venv", "--python", base], [uv, "pip", "install", "--python", python]


def make_empty(new: Path, runner: Runner) -> list[str]:
    """Make an empty environment at `new`; return the command that installs into it."""
    base = str(getattr(sys, "_base_executable", sys.executable))
    for make, install in routes(new, base):
        remove(new)
        done, output = runner.run(*make, new)
        if done:
            return install
        if (line := explain(output)) in (DISK, READ_ONLY):
            raise SetupError(line)
    minor = ".".join(map(str, sys.version_info[:2]))
    raise SetupError(
        f"Python {minor} ({base}) cannot make an environment here, and there is no pip from 22.3"
        f" up that serves it, and no uv; install python{minor}-venv (Debian, Ubuntu: apt install"
        " python3-venv)"
    )
