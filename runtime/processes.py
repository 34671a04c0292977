"""Child processes that end with us, what memory one holds, and locks on files."""

import asyncio
import ctypes
import fcntl
import gc
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8
_PARENT = "BRAID_PARENT"
"""Tells a child who started it: the parent may be gone before the child can look."""


def bound(command: Sequence[str]) -> list[str]:
    """Wrap a program that is not ours so that it dies with us (Linux; best effort elsewhere)."""
    return [sys.executable, str(Path(__file__)), *command]


def die_with_parent() -> None:
    """End this process when its parent ends, also by SIGKILL.

    Linux: by the kernel (prctl(2), PR_SET_PDEATHSIG, which outlives an exec). Elsewhere: a
    thread looks once a second (best effort).
    """
    parent = int(os.environ.pop(_PARENT, os.getppid()))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(0)


def _watch(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(1)
    os._exit(0)


def hold_little() -> None:
    """Let the threads of this process share two heaps (glibc: mallopt(3), M_ARENA_MAX).

    With one each, those of the Temporal SDK come to keep 50 MB free that no other thread can use.
    """
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_M_ARENA_MAX, 2)


def lay_aside() -> None:
    """Leave what was loaded so far out of every garbage collection, and collect from now on.

    To look through it takes a worker a tenth of a second, in which its event loop stands still;
    while all is loaded that would be done again and again, for a thousand objects of garbage. The
    young are looked through every 5,000 objects instead of 700, which took a thousand calls at
    once 6% longer.
    """
    gc.freeze()
    gc.set_threshold(5_000)
    gc.enable()


def leave(code: int) -> NoReturn:
    """End this process at once, with its output written.

    The threads of the Temporal SDK outlive the event loop; now and then one of them brings an
    interpreter down that is being finalised, and a command that did its work ends in SIGSEGV.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # its reader has gone, as after `| head`
            stream.flush()
    os._exit(code)


async def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: dict[str, str] | None = None,
    stdin: int = asyncio.subprocess.DEVNULL,
) -> asyncio.subprocess.Process:
    """Start a child with its output appended to `log`.

    It gets its own session, so that a Ctrl-C in the terminal reaches only us and we can end it
    in order.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=stdin,
            stdout=out,
            stderr=out,
            env={**(os.environ if env is None else env), _PARENT: str(os.getpid())},
            start_new_session=True,
        )


async def stop(process: asyncio.subprocess.Process, grace: float, *, hard: bool = False) -> None:
    """End a child: SIGTERM (or at once SIGKILL if `hard`), SIGKILL after `grace` seconds."""
    if process.returncode is None:
        process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), grace)
    except TimeoutError:
        process.kill()
        await process.wait()


def free_port(preferred: int | None = None) -> int:
    """Give a free loopback port, the preferred one if nobody has it.

    It is one that connections going out do not get by themselves (ip(7), ip_local_port_range), or
    one of them could have it before the server does that it is for.
    """
    drawn = (20_000 + secrets.randbelow(10_000) for _ in range(100))
    for candidate in (*([preferred] if preferred else []), *drawn, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def alive(pid: int) -> bool:
    """Say whether a process of that pid exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Locked(Exception):
    """Somebody else holds the lock."""


def lock(path: Path, *, shared: bool = False) -> IO[str]:
    """Take a lock on a file; it is freed when the handle is closed or we die.

    Exclusive unless `shared`. Raises Locked. A lock file without a living holder is no lock, so
    none goes stale.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.close()
        raise Locked(str(path)) from error
    return handle


if __name__ == "__main__":  # see bound()
    die_with_parent()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - our own command line
