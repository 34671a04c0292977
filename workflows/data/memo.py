"""The memo a case is started with: what each of its entries may be."""

from typing import Annotated, Any, Literal

from pydantic import StringConstraints, TypeAdapter, ValidationError

from workflows.data.announce import ANNOUNCE
from workflows.data.common import ANEW, ORIGIN_HEADER, PAYER_HEADER
from workflows.data.endpoints import EndpointName

_SHAPES: dict[str, TypeAdapter[Any]] = {
    ORIGIN_HEADER: TypeAdapter(str),
    PAYER_HEADER: TypeAdapter(Annotated[str, StringConstraints(pattern=r"^(.+ \S+)?$")]),
    ANEW: TypeAdapter(list[Any]),
    ANNOUNCE: TypeAdapter(EndpointName | Literal[""]),
}
ENTRIES = tuple(_SHAPES)


def misfit(name: str, value: object) -> str | None:
    """Say why a value cannot be that entry of a memo; None if it can, or is left out."""
    try:
        if value is not None:
            _SHAPES[name].validate_python(value)
    except ValidationError as error:
        return str(error.errors(include_url=False, include_input=False)[0]["msg"])
    return None
