"""What arrives over HTTP: bodies of bounded size, JSON, and answers in one line."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse


class TooLarge(Exception):
    """A body over what is taken."""


class NoJson(ValueError):
    """A body that is no JSON."""


async def body(request: Request, largest: int) -> bytes:
    """Read the body as far as it may go. Raises TooLarge."""
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > largest:
            raise TooLarge(f"a body is at most {largest} bytes")
    return bytes(found)


def as_json(content: bytes) -> Any:
    """Read JSON; nothing at all is null. Raises NoJson."""
    try:
        return json.loads(content) if content.strip() else None
    except (ValueError, RecursionError) as wrong:
        why = "nested too deeply" if isinstance(wrong, RecursionError) else wrong
        raise NoJson(f"the body is no JSON ({why})") from None


def refused(status: int, message: str) -> JSONResponse:
    """Answer with an error, in the one shape all of ours have."""
    return JSONResponse({"error": message}, status)
