"""A shop's till as a source of rows: `GET /rows?after=&limit=`, in order, and growing.

`POST /rows` with `{"count": n}` lets the shop sell n times more. Some rows are as careless hands
write them: space round words and small letters can be cleaned, other flaws cannot.
"""

import json

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
        self._seed, self._count = seed, AT_FIRST

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
                self._count += max(0, int(json.loads(asked.body)["count"]))
                return Reply(200, {"count": self._count})
            after, limit = int(asked.query.get("after", 0)), int(asked.query.get("limit", 50))
        except (ValueError, KeyError, TypeError):
            return refuse(422, "after, limit and count are whole numbers")
        if after < 0 or not 1 <= limit <= LONGEST_PAGE:
            return refuse(422, f"after is 0 or more, limit from 1 to {LONGEST_PAGE}")
        end = max(after, min(self._count, after + limit))
        rows = [row(self._seed, number) for number in range(after + 1, end + 1)]
        return Reply(200, {"rows": rows, "next": end})
