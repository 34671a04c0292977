"""Large files of sources: a worker keeps the last ones, and fetches them again only if changed."""

from dataclasses import replace
from datetime import datetime

from activities.wire import HttpRequest
from store.journal import StoredReply

UNCHANGED = 304
_VALIDATORS = {"etag": "if-none-match", "last-modified": "if-modified-since"}


class LargeFiles:
    """The last good reply to each request, by base URL and path."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], StoredReply] = {}

    def last(self, base_url: str, http: HttpRequest) -> StoredReply | None:
        """Give the last reply, if there is one."""
        return self._last.get((base_url, http.path))

    def keep(self, base_url: str, http: HttpRequest, reply: StoredReply) -> None:
        """Keep a reply that can be read."""
        self._last[base_url, http.path] = reply

    def forget(self) -> None:
        """Forget all, because one of them was nonsense."""
        self._last.clear()


def if_changed(http: HttpRequest, known: StoredReply) -> HttpRequest:
    """Ask for a file only if it is another than the known one (conditional GET)."""
    marks = {_VALIDATORS[n]: text for n, text in known.headers.items() if n in _VALIDATORS}
    return replace(http, headers={**http.headers, **marks})


def confirmed(known: StoredReply, at: datetime) -> StoredReply:
    """Give the known reply as the one received `at`: the source said that nothing changed."""
    return replace(known, received_at=at)
