"""Bodies of requests: bounded in size and in time."""

import asyncio

from starlette.requests import ClientDisconnect, Request

SLOWEST = 30.0
"""Seconds a body may take to come."""


class NotTaken(ValueError):
    """A body that is too large or does not come to its end; with the HTTP status to answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


async def body(request: Request, largest: int) -> bytes:
    """Read a body as far and as long as it may go. Raises NotTaken."""
    found = bytearray()
    try:
        async with asyncio.timeout(SLOWEST):
            async for piece in request.stream():
                found += piece
                if len(found) > largest:
                    raise NotTaken(413, f"a body is at most {largest} bytes")
    except TimeoutError:
        raise NotTaken(408, f"the body did not come within {SLOWEST:g} s") from None
    except ClientDisconnect:
        raise NotTaken(400, "the body broke off") from None
    return bytes(found)
