"""Records made of fields: what an `ask` gives, what a blueprint takes. What is made here is made
once, not for each new workflow.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import GenericAlias
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, create_model

from workflows.data.blueprints.blueprint import Fields
from workflows.data.common import JSON, Day, PersonName, Record

_KINDS: Mapping[str, Any] = {
    "text": str,
    "number": float,
    "integer": int,
    "boolean": bool,
    "day": Day,
    "any": JSON,
}
NAMES = TypeAdapter(Annotated[list[PersonName], Field(min_length=1)])
"""Some people."""


class Supplied(Record):
    """What a person says a step gives that declares no fields."""

    text: str


def shape(name: str, fields: Fields) -> type[Record]:
    """Give the record of this name with these fields; one that may be missing is None then."""
    return _made(name, tuple(fields.items()))


def record_name(step: str) -> str:
    """Name the record a step's answer fits: `tone_reading` gives ToneReading."""
    said = "".join(part.title() for part in step.split("_"))
    letters = "".join(c for c in said if c.isalpha())
    return letters if len(letters) > 2 else f"{letters}Answer"


@lru_cache(maxsize=500)
def _made(name: str, fields: tuple[tuple[str, str], ...]) -> type[Record]:
    """Make it once: a pure function of its name and fields, which takes a millisecond."""
    shaped: dict[str, Any] = {field: _field(said) for field, said in fields}
    made: type[Record] = create_model(name, __base__=Record, **shaped)
    return made


def _field(said: str) -> Any:
    optional, said = said.endswith("?"), said.removesuffix("?")
    kind, _, about = said.partition(" (")
    many, kind = kind.startswith("list of "), kind.removeprefix("list of ")
    found: Any = GenericAlias(tuple, (_KINDS[kind], ...)) if many else _KINDS[kind]
    if about:
        found = Annotated[found, Field(description=about.removesuffix(")"))]
    return (found | None, None) if optional else (found, ...)
