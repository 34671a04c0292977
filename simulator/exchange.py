"""A request and its reply as services see them, free of the web framework."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.chance import digest
from simulator.config import Fault

SIMULATED = {"x-braid-simulated": "1"}
"""Header of every reply of the simulator."""


class Finish(StrEnum):
    """How a model ends its answer."""

    NORMAL = "normal"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class Asked:
    """One request. `path` is what stands below the service's prefix, with a leading slash;
    header names are lower case.
    """

    service: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    finish: Finish = Finish.NORMAL

    @property
    def sample(self) -> str:
        """Tells repeated askings of one question apart."""
        return self.headers.get("x-braid-sample", "0")

    @property
    def hash(self) -> str:
        """Identify the request, not the moment."""
        query = sorted(self.query.items())
        return digest(self.service, self.method, self.path, query, self.body.hex(), self.sample)


@dataclass(frozen=True)
class Reply:
    """One reply; `body` is JSON unless it is bytes already."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    def encoded(self) -> bytes:
        """Give the body as it goes over the wire."""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Service:
    """What answers below one path prefix, and how it words its failures."""

    answer: Callable[[Asked], Reply]
    failure: Callable[[Fault], Reply]


def page(status: int, title: str, text: str) -> Reply:
    """Build an HTML page, as proxies and firewalls send."""
    html = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>"
    return Reply(status, f"{html}<p>{text}</p></body></html>".encode(), media_type="text/html")


def retry_after(fault: Fault, default: float) -> dict[str, str]:
    """Build the header `retry-after` in whole seconds, rounded up."""
    seconds = default if fault.retry_after is None else fault.retry_after
    return {"retry-after": str(-int(-seconds // 1))}
