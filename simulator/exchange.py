"""A request and its reply as services see them, free of the web framework."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from simulator.chance import digest
from simulator.config import Fault
from simulator.limits import Limit

SIMULATED = {"x-braid-simulated": "1"}
"""Header of every reply of the simulator."""


class Finish(StrEnum):
    """How a model ends its answer; the last two end as if all were well."""

    NORMAL = "normal"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    BLOCKED = "blocked"
    """Stopped by the vendor's filter of contents."""
    BAD_TOOL = "bad_tool"
    """A call of a tool nobody offered, its arguments no JSON."""
    WRONG_JSON = "wrong_json"
    """JSON, but not of the schema."""
    MISSING_ITEMS = "missing_items"
    """A list of answers that leaves some out and garbles one."""


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

    @cached_property
    def hash(self) -> str:
        """Identify the request, not the moment."""
        query = sorted(self.query.items())
        return digest(self.service, self.method, self.path, query, self.body.hex(), self.sample)


@dataclass(frozen=True)
class Bill:
    """What an answer of a model counts for, once it is let in; `settle` then notes it."""

    model: str
    tokens: int
    settle: Callable[[], None]


@dataclass(frozen=True)
class Stream:
    """A streamed answer: `pieces` go over the wire one by one.

    `ping` keeps a connection awake and means nothing; `error` is how an overload in the middle
    of the answer looks.
    """

    pieces: tuple[bytes, ...]
    ping: bytes = b": keep-alive\n\n"
    error: bytes = b""


@dataclass(frozen=True)
class Reply:
    """One reply; `body` is JSON unless it is bytes already, or a stream."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    bill: Bill | None = None

    def encoded(self) -> bytes:
        """Give the body as it goes over the wire."""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def _no_model(_: Asked) -> str:
    return ""


def _unannounced(_limit: Limit, _left: float) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Service:
    """What answers below one path prefix, and how it words its failures.

    `metered` services are let in by what their answer's bill says, the others as they knock.
    `model` tells which model a request is for, `announced` how a limit of requests stands in
    the headers, given how many are left.
    """

    answer: Callable[[Asked], Reply]
    failure: Callable[[Fault], Reply]
    metered: bool = False
    model: Callable[[Asked], str] = _no_model
    announced: Callable[[Limit, float], Mapping[str, str]] = _unannounced


def page(status: int, title: str, text: str) -> Reply:
    """Build an HTML page, as proxies and firewalls send."""
    html = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>"
    return Reply(status, f"{html}<p>{text}</p></body></html>".encode(), media_type="text/html")


def retry_after(fault: Fault, default: float) -> dict[str, str]:
    """Build the header `retry-after` in whole seconds, rounded up."""
    seconds = default if fault.retry_after is None else fault.retry_after
    return {"retry-after": str(-int(-seconds // 1))}
