"""Which lines of the checkout stand on a stack, innermost first, as `file:line function`."""

import re
from functools import cache
from pathlib import Path
from types import FrameType

from runtime.settings import ROOT

_PLUMBING = ("workflows/headers.py", "workflows/room.py", "workflows/calls.py", "cli/")
"""Every command goes through these, so they say nothing."""
_FILE = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')


def frames(frame: FrameType | None) -> tuple[str, ...]:
    """Read a stack from this frame outwards."""
    found = []
    while frame is not None:
        found.append((frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return _ours(found)


def traced(text: str) -> tuple[str, ...]:
    """Read the stacks a traceback in words tells, the last line of each first."""
    return _ours([(name, int(line), at) for name, line, at in reversed(_FILE.findall(text))])


def _ours(found: list[tuple[str, int, str]]) -> tuple[str, ...]:
    lines = ((_relative(name), line, at) for name, line, at in found)
    return tuple(f"{n}:{line} {at}" for n, line, at in lines if n and not n.startswith(_PLUMBING))


@cache
def _relative(name: str) -> str:
    path = Path(name)
    inside = path.is_relative_to(ROOT) and not path.relative_to(ROOT).parts[0].startswith(".")
    return path.relative_to(ROOT).as_posix() if inside else ""
