"""Read a case file: YAML, checked against its record, errors with line, field and mend."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cli.errors import BadInput
from cli.yaml_files import Loc, YamlFile, printable
from workflows.data.blueprints.blueprint import FIELD_TYPE

T = TypeVar("T", bound=BaseModel)

_MENDS = {
    "missing": "add it",
    "extra_forbidden": "remove it or correct its spelling",
    "date_from_datetime_parsing": "write a day that exists, as 2026-11-20",
    "date_parsing": "write a day that exists, as 2026-11-20",
    "time_delta_parsing": "write a length of time, as P5D or PT30M",
    "decimal_parsing": "write an amount, as 50000 or 49999.90",
    "decimal_max_digits": "write an amount, as 50000 or 49999.90",
    "decimal_max_places": "write an amount, as 50000 or 49999.90",
    "decimal_whole_digits": "write an amount, as 50000 or 49999.90",
    "finite_number": "write an amount, as 50000 or 49999.90",
    "greater_than": "write a larger one",
    "greater_than_equal": "write a larger one",
    "less_than_equal": "write a smaller one",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "too_short": "name at least one",
    "too_long": "write fewer",
    "dict_type": "write fields, one per line, as `name: value`",
    "string_too_short": "write at least one character",
    "string_too_long": "shorten it",
    "enum": "choose one of them",
    "literal_error": "choose one of them",
    "invalid_key": "write the field's name as text",
    "string_type": "write text",
    "model_type": "write fields, one per line, as `name: value`",
    "model_attributes_type": "write fields, one per line, as `name: value`",
    "tuple_type": "write a list, one `- item` per line",
}
_PATTERNS: Mapping[str, str] = {
    r"^[A-Z]{2}$": "write the country's two capital letters, as GB",
    r"^[A-Z]{3}$": "write the currency's three capital letters, as EUR",
    r"^[a-z][a-z0-9._-]{0,39}$": "write a short name in lower case, as ana",
    r"^[a-z0-9][a-z0-9_-]{0,31}$": "write lower-case letters, digits, - or _, as trade-1",
    r"^[a-z0-9][a-z0-9-]{0,39}$": "write lower-case letters, digits and -, as bank-saderat",
    r"^[a-z][a-z0-9_]{0,39}$": "write lower-case letters, digits and _, as score_lead",
    r"^[a-z][a-z0-9-]{0,39}$": "write lower-case letters, digits and -, as lead-scoring",
    r"^([a-z][a-z0-9-]{0,39})?$": "write the name of a process or blueprint, as lead-scoring",
    FIELD_TYPE: "write text, number, integer, boolean, day or any, `list of` before one of them,"
    " a meaning in brackets after it, ? at the end if it may be missing",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": "write a mail address, as name@company.example",
}
_PLACE = re.compile(r"([a-z_]+(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*): (.*)", re.DOTALL)
"""A rule over several fields begins its message with the field to mend."""


def read(path: Path, record: type[T]) -> T:
    """Read and check a case file. Raises BadInput with one line per mend."""
    file = YamlFile(path)
    if not isinstance(file.data, dict):
        raise BadInput(
            f"{path}: line {file.line(())}: this is {_kind(file.data)}, not a case file; it"
            " begins with `case: NAME`, see cases/"
        )
    try:
        return record.model_validate(file.data)
    except ValidationError as error:
        causes = causes_of(error)
        lines = [f"{path}: line {file.line(loc)}: {said}" for loc, said in causes]
        raise BadInput("\n".join(lines)) from error


def causes_of(error: ValidationError, whole: str = "case") -> list[tuple[Loc, str]]:
    """Give for each thing wrong with a record its place, and its field with the mend.

    `whole` is what the record is called where no field is.
    """
    found = [_mend(e) for e in _causes(error.errors(include_url=False))]
    return [(loc, printable(f"{_field(loc) or whole}: {said}")) for loc, said in found]


def mends(error: ValidationError) -> list[str]:
    """Say for each thing that is wrong with a record which field it is, and how to mend it."""
    return [said for _, said in causes_of(error)]


def _causes(errors: Sequence[Any]) -> list[Any]:
    """Leave out that a list is too short when only its bad items were left out of it."""
    bad = {tuple(e["loc"][:-1]) for e in errors}
    return [e for e in errors if not (e["type"] == "too_short" and tuple(e["loc"]) in bad)]


def _mend(error: Any) -> tuple[list[int | str], str]:
    """Give the place of an error in a record, and what to say about it."""
    loc: list[int | str] = list(error["loc"])
    said = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "value_error" and (named := _PLACE.fullmatch(said)):
        loc += [int(p) if p.isdigit() else p for p in re.findall(r"[a-z_]+|\d+", named[1])]
        said = named[2]
    elif error["type"] == "string_pattern_mismatch":
        said = _PATTERNS.get(error["ctx"]["pattern"], said)
    elif error["type"] in _MENDS:
        said += f": {_MENDS[error['type']]}"
    return loc, said


def _field(loc: Sequence[int | str]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc).lstrip(".")


def _kind(data: object) -> str:
    names: Mapping[type, str] = {list: "a list", str: "text", bool: "a yes or no"}
    return names.get(type(data), "empty")
