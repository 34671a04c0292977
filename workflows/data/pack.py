"""Records of packs: small items that share one call, and what became of each."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from workflows.data.common import Record


class PackItem(Record):
    """One small thing to be asked about. Its id comes back with its answer."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    text: str


class Shaped:
    """Marks JSON that a model is told to shape as a record, and that is checked later, one by one:

        items: tuple[Annotated[JsonValue, Shaped(Sentiment)], ...]

    So one malformed item does not sink the answer it stands in.
    """

    def __init__(self, record: type[Record]) -> None:
        self.record = record

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Take any JSON."""
        return handler(source)

    def __get_pydantic_json_schema__(
        self, _core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Ask for the record."""
        return handler(self.record.__pydantic_core_schema__)


class PackCall(Record):
    """One call of a pack, and the ids it asked about. `why` is its error if it failed."""

    ids: tuple[str, ...]
    alone: bool = False
    model: str = ""
    usd: Decimal = Decimal(0)
    input_tokens: int = 0
    why: str = ""


class DroppedItem(Record):
    """An item of an answer that was not used, and why."""

    id: str
    why: str


class PackRecord(Record):
    """How items were packed. `again` says why an item was asked alone, `unanswered` why it has no
    answer all the same.

    `tokens` estimates the input of all calls made, `tokens_alone` that of one call for each item.
    """

    name: str
    items: int
    calls: tuple[PackCall, ...] = ()
    again: dict[str, str] = Field(default_factory=dict)
    unanswered: dict[str, str] = Field(default_factory=dict)
    dropped: tuple[DroppedItem, ...] = ()
    tokens: int = 0
    tokens_alone: int = 0

    @property
    def usd(self) -> Decimal:
        """What all calls cost as far as it is known, in US dollars."""
        return sum((c.usd for c in self.calls), Decimal(0))

    @property
    def saved_calls(self) -> int:
        """Calls saved against one for each item."""
        return self.items - len(self.calls)

    @property
    def saved_tokens(self) -> int:
        """Input tokens saved against one call for each item, as estimated."""
        return self.tokens_alone - self.tokens

    @property
    def saving(self) -> str:
        """The saving in words."""
        share = self.saved_tokens / self.tokens_alone if self.tokens_alone else 0.0
        return (
            f"{len(self.calls)} calls instead of {self.items}, about {self.saved_tokens:,} input"
            f" tokens ({share:.0%}) saved"
        )
