"""Templates filled in a running case; what goes wrong is an error a workflow can end with."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import ValidationError

from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.filters import BadTemplate
from workflows.data.blueprints.shapes import NAMES, shape
from workflows.data.blueprints.templates import Known, filled, holds
from workflows.data.common import JSON, Record
from workflows.errors import Misuse, Unusable

R = TypeVar("R", bound=Record)


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except BadTemplate as error:
        raise Unusable(f"{where}: {error}") from None


def fill(where: str, value: JSON, known: Known) -> JSON:
    """Fill the templates in a value. Raises Unusable, naming `where`, as all here do."""
    with _told(where):
        return filled(value, known)


def text(where: str, template: str, known: Known) -> str:
    """Fill a template to a text; a value that is none is told as JSON."""
    value = fill(where, template, known)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def condition(where: str, template: str, known: Known) -> bool:
    """Say whether a condition holds."""
    with _told(where):
        return holds(template, known)


def items(where: str, template: str, known: Known) -> list[JSON]:
    """Fill a template to a list; nothing is an empty one."""
    value = fill(where, template, known)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unusable(f"{where}: this gives no list; name a field that is one")
    return value


def names(where: str, given: Sequence[str], known: Known) -> tuple[str, ...]:
    """Fill in people, each a name or a list of them, in order and once. There must be one."""
    found: list[JSON] = []
    for value in (fill(where, text, known) for text in given):
        found += value if isinstance(value, list) else [value]
    try:
        return tuple(dict.fromkeys(NAMES.validate_python(found)))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        raise Unusable(f"{where}: {wrong['msg']}; give short names, as ana") from None


def request(where: str, record: type[R], given: Mapping[str, JSON], known: Known) -> R:
    """Fill in what is asked, which must fit its record."""
    values = fill(where, dict(given), known)
    try:
        return record.model_validate_json(json.dumps(values))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        field = ".".join([where, *(str(part) for part in wrong["loc"])])
        raise Unusable(f"{field}: {wrong['msg']}; {record.__name__} takes no other") from None


def complete(case: BlueprintCase) -> BlueprintCase:
    """Give the case with its values as the blueprint takes them; optional ones are None.

    Raises Misuse, naming the first value that does not fit.
    """
    blueprint = case.blueprint
    try:
        taken = shape("Input", blueprint.input).model_validate_json(json.dumps(dict(case.values)))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in ("input", *wrong["loc"]))
        raise Misuse(f"blueprint {blueprint.name!r}: {field}: {wrong['msg']}") from None
    return case.model_copy(update={"values": taken.model_dump(mode="json")})


def plain(value: Any) -> Any:
    """Give a record as JSON; what is JSON as it is."""
    return value.model_dump(mode="json") if isinstance(value, Record) else value
