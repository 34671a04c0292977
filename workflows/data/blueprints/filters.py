"""The filters of templates: few, pure, and none that makes much out of little."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import Undefined

LARGEST = 1_000_000
"""Characters a template may give."""


class BadTemplate(ValueError):
    """A template cannot be taken or filled: what is wrong, and how to mend it.

    `line` is the line within the template, from 1.
    """

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


def kind(value: object) -> str:
    """Name what a value is, as JSON has it."""
    if isinstance(value, bool) or value is None:
        return "nothing" if value is None else "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "fields" if isinstance(value, Mapping) else "a list"


def is_number(value: object) -> bool:
    """Tell numbers from all else, also from true and false."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def text(value: Any) -> Any:
    """Write a value as text: nothing as no text, lists and fields as JSON."""
    if isinstance(value, str | Undefined):
        return value
    return "" if value is None else as_json(value)


def as_json(value: Any) -> str:
    """Write a value as JSON, in one line."""
    size(value)
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    raise BadTemplate("this has no place in JSON; name one of its fields")


def size(value: object, least: int = 0) -> int:
    """Count the characters of a value, roughly. Raises BadTemplate when they are too many."""
    least += len(value) if isinstance(value, str) else 8
    if least > LARGEST:
        raise BadTemplate(f"gives more than {LARGEST} characters; give less, or a reference")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            least = size(inner, least + len(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            least = size(inner, least)
    return least


def _list(value: Any) -> Sequence[Any]:
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if value is None or isinstance(value, list | tuple):
        return value or []
    raise BadTemplate(f"a list is needed, not {kind(value)}")


def _numbers(value: Any) -> Sequence[float]:
    found = _list(value)
    if strange := [item for item in found if not is_number(item)]:
        raise BadTemplate(f"numbers are needed, not {kind(strange[0])}")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadTemplate(f"text is needed, not {kind(value)}")
    return value


def _default(value: Any, instead: Any = "", empty_too: bool = False) -> Any:
    missing = isinstance(value, Undefined) or value is None or (empty_too and not value)
    return instead if missing else value


def _end(place: int) -> Callable[[Any], Any]:
    def give(value: Any) -> Any:
        found = _list(value)
        return found[place] if found else None

    return give


def _join(value: Any, between: str = "") -> str:
    parts = [str(text(item)) for item in _list(value)]
    size([*parts, " " * 8])
    if len(_text(between)) * len(parts) > LARGEST:
        raise BadTemplate(f"gives more than {LARGEST} characters; give less, or a reference")
    return between.join(parts)


def _length(value: Any) -> int:
    if not isinstance(value, str | list | tuple | Mapping):
        raise BadTemplate(f"{kind(value)} has no length")
    return len(value)


def _map(value: Any, attribute: str) -> list[Any]:
    found = _list(value)
    for item in found:
        if not isinstance(item, Mapping) or attribute not in item:
            raise BadTemplate(f"an item has no field {attribute!r}")
    return [item[attribute] for item in found]


def _selected(value: Any, attribute: str, like: Any = True) -> list[Any]:
    """Keep the items whose field is as said; without a value, those where it holds."""
    pairs = zip(_list(value), _map(value, attribute), strict=True)
    return [item for item, field in pairs if (bool(field) if like is True else field == like)]


def _order(value: Any) -> tuple[bool, float, str]:
    if not isinstance(value, str) and not is_number(value):
        raise BadTemplate(f"{kind(value)} cannot be sorted; name a field, as sort('score')")
    return (isinstance(value, str), 0 if isinstance(value, str) else value, str(value))


def _sort(value: Any, attribute: str = "", reverse: bool = False) -> list[Any]:
    keys = _map(value, attribute) if attribute else _list(value)
    pairs = zip(keys, _list(value), strict=True)
    ordered = sorted(pairs, key=lambda pair: _order(pair[0]), reverse=bool(reverse))
    return [item for _, item in ordered]


def _unique(value: Any) -> list[Any]:
    seen: dict[str, Any] = {}
    for item in _list(value):
        seen.setdefault(as_json(item), item)
    return list(seen.values())


def _round(value: Any, digits: int = 0) -> float:
    if not is_number(value) or not isinstance(digits, int) or not 0 <= digits <= 15:
        raise BadTemplate("round takes a number, and how many digits stay, 0 to 15")
    return float(round(value, digits)) if digits else math.floor(value + 0.5)


def _int(value: Any) -> int:
    try:
        return int(float(value)) if isinstance(value, str) else int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadTemplate(f"{str(value)[:40]!r} is no number") from error


def _float(value: Any) -> float:
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadTemplate(f"{str(value)[:40]!r} is no number") from error
    if not math.isfinite(found):
        raise BadTemplate(f"{str(value)[:40]!r} is no finite number")
    return found


def _truncate(value: Any, most: int = 255) -> str:
    return _text(value)[: max(0, most)]


def _items(value: Any) -> list[list[Any]]:
    if not isinstance(value, Mapping):
        raise BadTemplate(f"fields are needed, not {kind(value)}")
    return [[key, inner] for key, inner in value.items()]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "default": _default,
    "first": _end(0),
    "float": _float,
    "int": _int,
    "items": _items,
    "join": _join,
    "last": _end(-1),
    "length": _length,
    "lower": lambda value: _text(value).lower(),
    "map": _map,
    "max": lambda value: max(_numbers(value), default=None),
    "min": lambda value: min(_numbers(value), default=None),
    "round": _round,
    "selectattr": _selected,
    "sort": _sort,
    "sum": lambda value: sum(_numbers(value)),
    "tojson": as_json,
    "trim": lambda value: _text(value).strip(),
    "truncate": _truncate,
    "unique": _unique,
    "upper": lambda value: _text(value).upper(),
}
