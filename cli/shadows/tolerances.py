"""What `--tolerance` says: how far a field may be from the baseline's."""

import re
from collections.abc import Iterable

from pydantic import ValidationError

from cli.errors import BadInput
from insight.statistics.fields import Tolerance

_SHARE = re.compile(r"(\d+(?:[.]\d+)?)%")
_ALIKE = re.compile(r"~(\d+(?:[.]\d+)?)")
_NUMBER = re.compile(r"\d+(?:[.]\d+)?")


def tolerances(said: Iterable[str]) -> tuple[Tolerance, ...]:
    """Read `FIELD=5%`, `FIELD=0.01`, `FIELD=~0.8` (alike) or `FIELD=any`. Raises BadInput."""
    return tuple(_read(text) for text in said)


def places(said: Iterable[str]) -> dict[str, str]:
    """Read `FIELD=PATH`: where in the baseline a blueprint's FIELD stands. Raises BadInput."""
    parts = [text.partition("=") for text in said]
    if wrong := [field for field, _, path in parts if not (field and path)]:
        raise BadInput(f"--where {wrong[0]!r}: write FIELD=PATH, as thread=pieces.0")
    return {field: path for field, _, path in parts}


def _read(text: str) -> Tolerance:
    field, _, bound = text.rpartition("=")
    try:
        if field and bound == "any":
            return Tolerance(fields=field, anything=True)
        if field and (found := _SHARE.fullmatch(bound)):
            return Tolerance(fields=field, share=float(found[1]) / 100)
        if field and (found := _ALIKE.fullmatch(bound)):
            return Tolerance(fields=field, alike=float(found[1]))
        if field and _NUMBER.fullmatch(bound):
            return Tolerance(fields=field, apart=float(bound))
    except ValidationError:
        pass  # told below
    raise BadInput(
        f"--tolerance {text!r}: write FIELD=5% or FIELD=0.01 for numbers, FIELD=~0.8 for texts that"
        " are so much alike (0 to 1), FIELD=any to leave a field out; FIELD may hold * and ?"
    )
