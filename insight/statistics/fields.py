"""What two results of the same case differ in, field by field, within tolerances."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from workflows.data.common import JSON, Record

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d[.\d]*)?(Z|[+-]\d\d:?\d\d)?")
_HASH = re.compile(r"[0-9a-f]{40,128}")
_NUMBER = re.compile(r"[+-]?\d+([.]\d+)?")
PAID = frozenset({"usd", "cost"})
"""Fields that tell what was paid: cost is compared by itself."""


class Tolerance(Record):
    """What may differ in the fields whose path (as `parties.0.name`) fits `fields`, with * and ?.

    Numbers may lie `share` of the baseline's apart, or `apart` in all; texts must be `alike` from
    0 to 1 (1: the same). `anything` goes: the fields are not compared.
    """

    fields: str
    share: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    apart: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    alike: Annotated[float, Field(ge=0, le=1)] = 1.0
    anything: bool = False


EXACT = Tolerance(fields="*")


class FieldDifference(Record):
    """A field whose two values are further apart than is tolerated. None: it is not there."""

    field: str
    baseline: JSON = None
    candidate: JSON = None


def differing(
    baseline: JSON, candidate: JSON, tolerances: Sequence[Tolerance] = ()
) -> tuple[FieldDifference, ...]:
    """Compare two results. Of several tolerances that fit a field the first counts.

    Never compared are moments, hashes and what was paid.
    """
    one, two = dict(leaves(baseline)), dict(leaves(candidate))
    found = []
    for field in dict.fromkeys([*one, *two]):
        held = next((t for t in tolerances if fnmatchcase(field, t.fields)), EXACT)
        a, b = one.get(field), two.get(field)
        if not (held.anything or _same(a, b, held)):
            found.append(FieldDifference(field=field, baseline=a, candidate=b))
    return tuple(found)


def leaves(value: JSON, path: str = "") -> Iterator[tuple[str, JSON]]:
    """Give each value of a result with its path; a moment, a hash and what was paid are left out.

    What is empty counts as not there.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in PAID:
                yield from leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves(inner, f"{path}.{place}" if path else str(place))
    elif not (value is None or value == "" or _passing(value)):
        yield path, value


def _passing(value: JSON) -> bool:
    """Say whether a value is another one in every run."""
    return isinstance(value, str) and bool(_MOMENT.fullmatch(value) or _HASH.fullmatch(value))


def _same(a: JSON, b: JSON, held: Tolerance) -> bool:
    if a == b:
        return True
    numbers = _number(a), _number(b)
    if numbers[0] is not None and numbers[1] is not None:
        apart = abs(numbers[0] - numbers[1])
        return apart <= max(held.apart, held.share * abs(numbers[0]))
    if isinstance(a, str) and isinstance(b, str) and held.alike < 1:
        return SequenceMatcher(None, a, b, autojunk=False).ratio() >= held.alike
    return False


def _number(value: JSON) -> float | None:
    """Read a number, also one written as text, as amounts are."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None
