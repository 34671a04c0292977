"""A shop's till as a source of rows: `GET /rows?after=&limit=`, in order, and growing.

`POST /rows` with `{"count": n}` lets the shop sell n times more, with `{"rebuilt": true}` its rows
are counted anew, under another `epoch`. A page the asker has (ETag) is answered 304. Some rows are
as careless hands write them: spaces and small letters can be cleaned, other flaws cannot.
"""

import json
from typing import Any

from simulator.chance import unit
from simulator.effects.plain import failure, refuse
from simulator.exchange import Asked, Reply, Service

AT_FIRST = 120
LONGEST_PAGE = 200
_FLAWS: tuple[dict[str, str | None], ...] = (
    {"amount": "n/a"},
    {"country": None},
    {"day": "2026-02-30"},
    {"currency": "EURO"},
)
FLAWED = 0.08
"""The share of rows that cannot be mended."""


def row(seed: int, number: int) -> dict[str, str | None]:
    """Give the row of a number, from 1."""
    told: dict[str, str | None] = {
        "id": f"sale-{number}",
        "day": f"2026-{1 + number // 28 % 12:02}-{1 + number % 28:02}",
        "customer": f"  customer {1 + int(unit(seed, 'customer', number) * 40)} ",
        "amount": f"{1 + unit(seed, 'amount', number) * 2000:,.2f}",
        "currency": ("EUR", "eur ", "GBP")[number % 3],
        "country": ("DE", "fr", "GB")[number % 3],
    }
    draw = unit(seed, "flaw", number)
    return told | _FLAWS[int(draw / FLAWED * len(_FLAWS))] if draw < FLAWED else told


class Till:
    """The rows there are by now."""

    def __init__(self, seed: int) -> None:
        self._seed, self._count, self._rebuilt = seed, AT_FIRST, 0

    @property
    def service(self) -> Service:
        """The service as the app mounts it."""
        return Service(self.answer, failure)

    def answer(self, asked: Asked) -> Reply:
        """Give a page, or sell more."""
        if asked.path != "/rows" or asked.method not in ("GET", "POST"):
            return refuse(404, "not found")
        try:
            if asked.method == "POST":
                return self._changed(json.loads(asked.body))
            after, limit = int(asked.query.get("after", 0)), int(asked.query.get("limit", 50))
        except (ValueError, AttributeError, TypeError):
            return refuse(422, "after, limit and count are whole numbers")
        if after < 0 or not 1 <= limit <= LONGEST_PAGE:
            return refuse(422, f"after is 0 or more, limit from 1 to {LONGEST_PAGE}")
        return self._page(asked, after, limit)

    def _changed(self, told: Any) -> Reply:
        self._count += max(0, int(told.get("count", 0)))
        self._rebuilt += bool(told.get("rebuilt"))
        return Reply(200, {"count": self._count})

    def _page(self, asked: Asked, after: int, limit: int) -> Reply:
        end = max(after, min(self._count, after + limit))
        rows = [row(self._seed, number) for number in range(after + 1, end + 1)]
        epoch = f"till-{self._rebuilt}"
        headers = {"etag": f'"{epoch}-{after}-{end}"'}
        if asked.headers.get("if-none-match") == headers["etag"]:
            return Reply(304, b"", headers)
        return Reply(200, {"rows": rows, "next": end, "epoch": epoch}, headers)
