"""The entries of the catalogue, each checked by itself: vendors and models."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from runtime.prices import Price
from workflows.data.common import Record
from workflows.data.limits import Limits
from workflows.data.llm import Dialect, Quirk, VendorName

KeyName = Annotated[str, StringConstraints(pattern=r"^([A-Z][A-Z0-9_]*)?$")]
"""Name of the environment variable that holds a vendor's key."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class CatalogueVendor(Record):
    """A vendor: which API it speaks, and where; `key` is empty for a server that asks for none.

    `auth` is the header that carries the key, if not the dialect's own. `batch_discount` is the
    share that is taken off the price of a batch; 0 if it has no batches.
    """

    dialect: Dialect
    base_url: str
    key: KeyName = ""
    auth: str = ""
    quirks: frozenset[Quirk] = frozenset()
    limits: Limits | None = None
    batch_discount: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal(0)

    @model_validator(mode="after")
    def _address(self) -> Self:
        where = urlsplit(self.base_url)
        if where.scheme not in ("http", "https") or not where.hostname:
            raise ValueError(
                f"base_url {self.base_url!r} is no address; write it as https://api.example.com/v1"
            )
        if self.key and where.scheme == "http" and where.hostname not in LOOPBACK:
            raise ValueError("the key would travel in the clear; write base_url with https://")
        return self

    @model_validator(mode="after")
    def _background(self) -> Self:
        if Quirk.BACKGROUND in self.quirks and self.dialect is not Dialect.OPENAI_RESPONSES:
            raise ValueError(
                f"the quirk 'background' is of openai-responses, not of {self.dialect}; remove it"
            )
        return self

    @property
    def path(self) -> str:
        """What the simulator puts after a vendor's name, where the real address has it too."""
        openai = self.dialect in (Dialect.OPENAI_RESPONSES, Dialect.OPENAI_CHAT)
        return "/v1" if openai else ""


class Speed(Record):
    """How fast a model is: seconds to the first token, then tokens per second; `p95` is the
    seconds within which 95 of 100 typical calls end.
    """

    first_token: Annotated[float, Field(gt=0)]
    tokens_per_second: Annotated[float, Field(gt=0)]
    p95: Annotated[float, Field(gt=0)]

    def seconds(self, output_tokens: int) -> float:
        """Say how long an answer of so many tokens usually takes."""
        return self.first_token + output_tokens / self.tokens_per_second


class CatalogueModel(Record):
    """One model: who answers, its name for people, its prices, oldest first; none is unknown.

    `id` is what the vendor calls it, if not the name it stands under. `window` and `max_output`
    are tokens, `quality` an estimate from 0 to 1.
    """

    vendor: VendorName
    name: str
    id: str = ""
    window: Annotated[int, Field(gt=0)] | None = None
    max_output: Annotated[int, Field(gt=0)] | None = None
    prices: tuple[Price, ...] = ()
    limits: Limits = Limits()
    speed: Speed | None = None
    quality: Annotated[float, Field(ge=0, le=1)] | None = None

    @field_validator("prices")
    @classmethod
    def _ascending(cls, prices: tuple[Price, ...]) -> tuple[Price, ...]:
        if any(later.since <= earlier.since for earlier, later in pairwise(prices)):
            raise ValueError("write them oldest first, each with its own day")
        return prices

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.window and self.max_output and self.window < self.max_output:
            raise ValueError("max_output is more than the window holds; write down less")
        return self
