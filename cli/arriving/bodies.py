"""What arrives over HTTP: bodies of bounded size, JSON, and answers in one line."""

from typing import Any

from pydantic_core import from_json
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
    """Read JSON as records do; nothing at all is null. Raises NoJson."""
    try:
        return from_json(content, allow_inf_nan=False) if content.strip() else None
    except ValueError as wrong:
        raise NoJson(f"the body is no JSON ({wrong})") from None


def refused(status: int, message: str) -> JSONResponse:
    """Answer with an error, in the one shape all of ours have."""
    return JSONResponse({"error": message}, status)
