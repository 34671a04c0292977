"""What arrives over HTTP: JSON, who may send without a sign-in, and answers in one line."""

from typing import Any

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse

from runtime.smtp import LOOPBACK


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
    """Answer with an error, in the one shape all of ours have."""
    return JSONResponse({"error": message}, status)
