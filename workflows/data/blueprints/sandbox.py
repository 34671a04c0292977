"""The sandbox templates run in: only JSON values, named filters, and a meter on all work."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workflows.data.blueprints import filters
from workflows.data.blueprints.filters import BadTemplate

METER = "(meter)"
COUNTED = "(counted)"
TEXT = "(text)"
WEIGHED = "(weighed)"
"""Names no template can write."""
MOST_WORK = 200_000
"""Parts of templates worked out in one rendering, those in loops once a round."""
_LOOP = frozenset({"index", "index0", "first", "last", "length"})
_LARGEST = 2**63


class Meter:
    """Counts the work of one rendering and ends it when it is too much."""

    def __init__(self) -> None:
        self._left = MOST_WORK

    def spend(self, work: int) -> None:
        """Take so much. Raises BadTemplate when nothing is left."""
        self._left -= work
        if self._left < 0:
            raise BadTemplate("too much work for a template; loop over less, or split the step")


class _Language(ImmutableSandboxedEnvironment):
    """Jinja that reaches nothing but the items of JSON values."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Give a field."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Give a field or an item; of nothing, nothing. What is not there is undefined."""
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        if obj is None:
            return None
        if isinstance(obj, LoopContext) and argument in _LOOP:
            return getattr(obj, argument)
        if isinstance(obj, Mapping) and isinstance(argument, str):
            return obj[argument] if argument in obj else self._missing(argument, obj)
        if isinstance(obj, list | tuple | str) and isinstance(argument, slice):
            return obj[argument]
        if isinstance(obj, list | tuple) and type(argument) is int:
            count = len(obj)
            return obj[argument] if -count <= argument < count else self._missing(argument, obj)
        return self.undefined(hint=f"{filters.kind(obj)} has no field {str(argument)[:40]!r}")

    def _missing(self, key: object, obj: Mapping[str, object] | list[Any] | tuple[Any, ...]) -> Any:
        if isinstance(obj, Mapping):
            there = ", ".join([*obj][:20]) or "none"
            return self.undefined(hint=f"there is no field {str(key)[:40]!r}; there are: {there}")
        return self.undefined(hint=f"there is no item {key}; the list has {len(obj)}")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Reckon with numbers, and put texts or lists together."""
        if filters.is_number(left) and filters.is_number(right):
            if max(abs(left), abs(right)) < _LARGEST:
                result = super().call_binop(context, operator, left, right)
                if isinstance(result, int) or math.isfinite(result):
                    return result
            raise BadTemplate(f"a number too large for {operator}")
        if operator == "+" and type(left) is type(right) and isinstance(left, str | list):
            context[METER].spend(1 + (len(left) + len(right)) // 100)
            return left + right
        told = f"{filters.kind(left)} {operator} {filters.kind(right)}"
        raise BadTemplate(f"{told} cannot be reckoned; turn a text into a number with | int")


@pass_context
def _counted(context: Context, items: Any, cost: int) -> Iterator[Any]:
    """Give the items of a loop, each at its cost."""
    if isinstance(items, Undefined):
        items._fail_with_undefined_error()
    if not isinstance(items, list | tuple | Mapping) and items is not None:
        raise BadTemplate(f"a loop needs a list, not {filters.kind(items)}")
    for item in items or ():
        context[METER].spend(cost)
        yield item


def _metered(work: Callable[..., Any]) -> Callable[..., Any]:
    """Have a filter pay for what it takes and gives."""

    @pass_context
    def paying(context: Context, value: Any, *args: Any, **named: Any) -> Any:
        meter: Meter = context[METER]
        meter.spend(1 + _size(value) // 100)
        result = work(value, *args, **named)
        meter.spend(_size(result) // 100)
        return result

    return paying


@pass_context
def _weighed(context: Context, value: Any) -> Any:
    """Pay for what is searched through, which is quick."""
    context[METER].spend(1 + _size(value) // 1_000)
    return value


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple | Mapping) else 0


_TESTS = ("defined", "undefined", "none", "string", "number", "boolean", "mapping", "sequence")
_COMPARING = ("eq", "ne", "lt", "le", "gt", "ge", "in", "true", "false")


def _language() -> _Language:
    made = _Language(
        undefined=StrictUndefined,
        finalize=filters.text,
        optimized=False,
        cache_size=0,
        keep_trailing_newline=True,
    )
    made.globals = {}
    made.filters = {name: _metered(work) for name, work in filters.FILTERS.items()}
    made.filters |= {
        COUNTED: _counted,
        TEXT: _metered(filters.text),
        WEIGHED: _weighed,
    }
    made.tests = {name: made.tests[name] for name in (*_TESTS, *_COMPARING)}
    return made


LANGUAGE = _language()
