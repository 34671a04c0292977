"""List prices of models, with their dates and tiers, and what a reply costs at them.

Exact: Decimal throughout. Reasoning tokens are billed as output and counted in it by every
vendor; cached input and input written to a cache have prices of their own.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from workflows.data.common import Record
from workflows.data.llm import Usage

MILLION = Decimal(1_000_000)
Dollars = Annotated[Decimal, Field(ge=0)]


class Rates(Record):
    """US dollars per million tokens. `cache_write` is that of `input` if left out."""

    input: Dollars
    cached: Dollars
    cache_write: Dollars | None = None
    output: Dollars

    def usd(self, usage: Usage) -> Decimal:
        """Price a reply at these rates."""
        written = self.input if self.cache_write is None else self.cache_write
        kept = usage.cached_tokens + usage.cache_write_tokens
        total = (
            max(usage.input_tokens - kept, 0) * self.input
            + usage.cached_tokens * self.cached
            + usage.cache_write_tokens * written
            + usage.output_tokens * self.output
        )
        return total / MILLION

    def dearest(self, input_tokens: int, output_tokens: int) -> Decimal:
        """Price a call of which nothing is cached yet, and all of its input may be written."""
        written = self.input if self.cache_write is None else self.cache_write
        total = input_tokens * max(self.input, written) + output_tokens * self.output
        return total / MILLION


class LongRates(Rates):
    """Rates of a whole call whose input is more than so many tokens."""

    tokens: Annotated[int, Field(gt=0)]


class Price(Rates):
    """Rates valid from `since` until the next price; those of long prompts in `above`."""

    since: date
    above: LongRates | None = None

    def rates(self, input_tokens: int) -> Rates:
        """Choose the rates for a call with so much input, cached or not."""
        return self if self.above is None or input_tokens <= self.above.tokens else self.above


def at(prices: Sequence[Price], day: date) -> Price | None:
    """Give the price of a day, of prices oldest first; before the first, that. None without any."""
    return next((p for p in reversed(prices) if p.since <= day), prices[0] if prices else None)
