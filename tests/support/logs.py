"""Our logs as JSON, read back."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from runtime.logs import configure

Lines = Callable[[], list[dict[str, Any]]]


@contextmanager
def logged() -> Iterator[Lines]:
    """Log as JSON while the block runs; yields what reads the lines written by now."""
    with written("json") as said:
        yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]


@contextmanager
def written(log_format: str) -> Iterator[io.StringIO]:
    """Log while the block runs; yields what is written to."""
    root, stream = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    configure(log_format, stream)
    try:
        yield stream
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()
