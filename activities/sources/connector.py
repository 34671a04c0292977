"""The one interface of every source: a pure inquiry, driven over the journalled wire.

An inquiry is a generator: it yields requests, is sent the replies, and returns what it found.
It touches nothing, so a test drives it with replies written by hand.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic

from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows.calls import Call, In, Out
from workflows.data.sources import SourceError, SourceState


@dataclass(frozen=True)
class Inquire:
    """One request of an inquiry. `absent` are statuses the source documents as "no record".

    `large`: the body is kept, and later cases fetch it only if it changed (conditional GET).
    """

    http: HttpRequest
    wants_json: bool = True
    absent: frozenset[int] = frozenset({404})
    large: bool = False


@dataclass(frozen=True)
class Page:
    """One reply of a source; `found` is False where the source says there is no such record."""

    body: bytes = field(repr=False)
    found: bool
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object. Raises Nonsense."""
        try:
            value = json.loads(self.body)
        except ValueError as wrong:
            raise Nonsense("the answer is not JSON") from wrong
        if not isinstance(value, dict):
            raise Nonsense("the answer is not a JSON object")
        return value


@dataclass(frozen=True)
class Extract:
    """What an inquiry found: the fields of the answer record, and how old they are."""

    state: SourceState
    fields: Mapping[str, object] = field(default_factory=dict)
    as_of: date | None = None
    error: SourceError | None = None


@dataclass(frozen=True)
class Reckoning:
    """The last step of an inquiry: what `function` makes of `pages` and `more` is given to `then`.

    The function is a module's own: where the pages are large it runs in another process.
    """

    function: Callable[..., Any]
    pages: tuple[bytes, ...]
    more: tuple[object, ...]
    then: Callable[[Any], Extract]

    @property
    def heavy(self) -> bool:
        """Say whether it would hold everything else up."""
        return sum(map(len, self.pages)) > LIGHT


LIGHT = 100_000
"""Bytes of pages that are read at once: the slowest reading, of lists, takes 50 ms for them."""
NO_RECORD = Extract(SourceState.NONE)
UNDOCUMENTED = "the answer is not what it documents"
Inquiry = Generator[Inquire, Page, Extract | Reckoning]


class Nonsense(Exception):
    """The source answered something that is not what it documents."""


class NoAnswer(Exception):
    """The source replied in order, but only to say that it has no answer now. The reply is not
    kept: another attempt, or another evidence round, asks anew.
    """


class Connector(ABC, Generic[In, Out]):
    """One door to one source."""

    call: Call[In, Out]
    service: str
    source: str
    licence: str

    @abstractmethod
    def inquire(self, query: In, endpoint: Endpoint) -> Inquiry:
        """Ask the source, purely. KeyError, TypeError, ValueError and Nonsense mean nonsense,
        NoAnswer that it has none at the moment.
        """


def get(path: str, headers: Mapping[str, str] | None = None) -> Inquire:
    """Ask for a page of JSON; a 404 means there is no such record."""
    accept = {"accept": "application/json"} | dict(headers or {})
    return Inquire(HttpRequest("GET", path, headers=accept))


def day(text: object) -> date | None:
    """Read a day from a date or a time as sources write them; None if there is none."""
    return date.fromisoformat(text[:10]) if isinstance(text, str) and text else None
