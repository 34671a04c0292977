"""Read a case file: YAML, checked against its record, errors with line, field and mend."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from cli.errors import BadInput

T = TypeVar("T", bound=BaseModel)
LARGEST = 1_000_000
"""Bytes of a case file; documents travel by other ways."""
DEEPEST = 40
"""Levels of nesting; the parser's time grows with their square."""

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
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": "write a mail address, as name@company.example",
}
_PLACE = re.compile(r"([a-z_]+(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*): (.*)", re.DOTALL)
"""A rule over several fields begins its message with the field to mend."""


class _Loader(yaml.SafeLoader):
    """YAML in which only null and true/false are not text.

    YAML 1.1 would read the company number 00041424 as an octal number and 2026-02-30 as an
    error of its own; here the record decides what a word means.
    """


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if tag.endswith(":null")]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# Not the `no` of YAML 1.1: NO is Norway.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def read(path: Path, record: type[T]) -> T:
    """Read and check a case file. Raises BadInput with one line per mend."""
    text = _text(path)
    root = _parsed(path, text)
    data = _construct(path, text)
    if not isinstance(data, dict):
        raise BadInput(
            f"{path}: line {_at(root.start_mark)}: this is {_kind(data)}, not a case file; it"
            " begins with `case: NAME`, see cases/"
        )
    try:
        return record.model_validate(data)
    except ValidationError as error:
        lines = [_line(path, root, e) for e in _causes(error.errors(include_url=False))]
        raise BadInput("\n".join(lines)) from error


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        text = raw.decode("utf-8") if len(raw) <= LARGEST else ""
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such file; examples are in cases/") from error
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BadInput(f"{path}: cannot be read as text ({why}); give a YAML file") from error
    if len(raw) > LARGEST:
        raise BadInput(f"{path}: larger than {LARGEST} bytes, so it is no case file; see cases/")
    if not text.strip():
        raise _empty(path)
    return text


def _empty(path: Path) -> BadInput:
    return BadInput(f"{path}: the file is empty; copy an example from cases/")


def _parsed(path: Path, text: str) -> yaml.Node:
    try:
        _refuse_events(path, text)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _not_yaml(path, error) from error
    if root is None:
        raise _empty(path)
    _refuse_names(path, root)
    return root


def _refuse_events(path: Path, text: str) -> None:
    """Refuse what a case file has no use for: aliases, tags, bottomless nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        where = f"{path}: line {_at(event.start_mark)}"
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(f"{where}: aliases (*name) are not taken; write the value out")
        if getattr(event, "tag", None) is not None:
            raise BadInput(f"{where}: tags (as !!int) are not taken; write the value alone")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise BadInput(f"{where}: nested deeper than {DEEPEST} levels; see cases/")


def _not_yaml(path: Path, error: yaml.YAMLError) -> BadInput:
    mark = getattr(error, "problem_mark", None)
    where = f"line {_at(mark)}: " if mark else ""
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
    return BadInput(
        f"{path}: {where}not YAML: {_printable(what)}; check indentation, quotes and colons"
    )


def _construct(path: Path, text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise _not_yaml(path, error) from error


def _refuse_names(path: Path, node: yaml.Node) -> None:
    """Refuse a field given twice (YAML would silently keep the last) and names that are no text."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            where = f"{path}: line {_at(key.start_mark)}"
            if not isinstance(key, yaml.ScalarNode):
                raise BadInput(f"{where}: a list or fields stand where a field's name belongs")
            if key.value in seen:
                raise BadInput(f"{where}: {_printable(key.value)} stands there twice; remove one")
            seen.add(key.value)
            _refuse_names(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_names(path, item)


def _causes(errors: Sequence[Any]) -> list[Any]:
    """Leave out that a list is too short when only its bad items were left out of it."""
    bad = {tuple(e["loc"][:-1]) for e in errors}
    return [e for e in errors if not (e["type"] == "too_short" and tuple(e["loc"]) in bad)]


def mends(error: ValidationError) -> list[str]:
    """Say for each thing that is wrong with a record which field it is, and how to mend it."""
    found = (_mend(e) for e in _causes(error.errors(include_url=False)))
    return [_printable(f"{_field(loc) or 'case'}: {said}") for loc, said in found]


def _line(path: Path, root: yaml.Node, error: Any) -> str:
    loc, said = _mend(error)
    return _printable(f"{path}: line {_find(root, loc)}: {_field(loc) or 'case'}: {said}")


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


def _printable(text: str) -> str:
    """Keep a message on one line and free of what a terminal would obey."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _find(node: yaml.Node, loc: Sequence[int | str]) -> int:
    """Find the line of a field, or of the nearest thing around it."""
    line = _at(node.start_mark)
    for part in loc:
        inner: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            pairs = ((k, v) for k, v in node.value if k.value == part)
            key, inner = next(pairs, (None, None))
            line = _at(key.start_mark) if key else line
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            inner = node.value[part] if part < len(node.value) else None
            line = _at(inner.start_mark) if inner else line
        if inner is None:
            break
        node = inner
    return line


def _at(mark: Any) -> int:
    return int(mark.line) + 1


def _kind(data: object) -> str:
    names: Mapping[type, str] = {list: "a list", str: "text", bool: "a yes or no"}
    return names.get(type(data), "empty")
