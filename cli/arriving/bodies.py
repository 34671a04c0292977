"""What arrives over HTTP: JSON, who may send without a sign-in, and answers in one line."""

from typing import Any

from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from runtime.smtp import LOOPBACK

MOST_SAID = 4_000
"""Characters of an error."""


class NoJson(ValueError):
    """A body that is no JSON."""


def by_a_page(request: Request) -> bool:
    """Say whether a page in a browser sent it: from elsewhere, or by a name of its own that it
    made lead here. What listens on loopback any page reaches that somebody has open.
    """
    return "origin" in request.headers or request.url.hostname not in LOOPBACK


def as_json(content: bytes) -> Any:
    """Read JSON as records do; nothing at all is null. Raises NoJson."""
    try:
        return from_json(content, allow_inf_nan=False) if content.strip() else None
    except ValueError as wrong:
        raise NoJson(f"the body is no JSON ({wrong})") from None


def refused(status: int, message: str) -> JSONResponse:
    """Answer with an error, in the one shape all of ours have; it echoes no long things."""
    return JSONResponse({"error": message[:MOST_SAID]}, status)


async def no_route(_: Request, error: Exception) -> JSONResponse:
    """Answer for a path or method there is not."""
    assert isinstance(error, HTTPException)  # noqa: S101 - it is the handler of those alone
    return refused(error.status_code, f"{error.detail}: see docs/operations/services.md")
