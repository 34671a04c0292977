"""The results of a batch in a file: a line of JSON for each input, in the order of the inputs.

While the batch runs, lines are added as they are known. At the end, or by `batch results`, the file
is written anew and takes the place of the old one at once.
"""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from cli.batch.inputs import Inputs, Place, Wrong
from cli.errors import BadInput
from workflows.data.spread import ItemResult, ItemState

REFUSED, NOT_RUN = "refused", "not_run"
"""States of an input that could not be used, and of one whose turn did not come."""


def check(path: Path) -> None:
    """Refuse a file that cannot be written, before anything is started. Raises BadInput."""
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise BadInput(f"--results {path}: {error.strerror}; name a file in a folder") from error


def line_of(result: ItemResult, place: Place | None) -> str:
    """Write a result as its line."""
    value = {"result": result.value} if result.state is ItemState.SUCCEEDED else {}
    error = {"error": result.error} if result.error else {}
    return _line({"key": result.key, **_at(place), "state": str(result.state), **value, **error})


def refused(wrong: Wrong) -> str:
    """Write the line of an input that could not be used."""
    key = {"key": wrong.key} if wrong.key else {}
    return _line({**key, **_at(wrong.place), "state": REFUSED, "error": wrong.why})


def begin(path: Path, inputs: Inputs) -> None:
    """Begin a file with the inputs that could not be used."""
    path.write_text("".join(refused(wrong) for wrong in inputs.wrong), encoding="utf-8")


def add(path: Path, results: list[ItemResult], inputs: Inputs) -> None:
    """Add results as they are known."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(line_of(r, inputs.places.get(r.key)) for r in results)


async def write(
    path: Path, results: AsyncIterator[ItemResult], inputs: Inputs | None
) -> Mapping[str, int]:
    """Write the whole file anew; give how many inputs are in which state.

    Of a redrive the store has results of inputs that are not given any more: they are left out.
    """
    raw, whole = path.with_name(f".{path.name}.raw"), path.with_name(f".{path.name}.new")
    order = {} if inputs is None else {p: n for n, p in enumerate(_places(inputs))}
    found: list[tuple[int, int, int]] = []
    counts: dict[str, int] = {}
    try:
        with raw.open("w+b") as lines:

            def put(place: Place | None, state: str, line: str) -> None:
                data = line.encode()
                number = len(found) if place is None else order[place]
                found.append((number, lines.tell(), len(data)))
                counts[state] = counts.get(state, 0) + 1
                lines.write(data)

            for wrong in inputs.wrong if inputs else ():
                put(wrong.place, REFUSED, refused(wrong))
            left = dict(inputs.places) if inputs else {}
            async for result in results:
                place = left.pop(result.key, None)
                if inputs is None or place is not None:
                    put(place, str(result.state), line_of(result, place))
            for key, place in left.items():
                put(place, NOT_RUN, _line({"key": key, **_at(place), "state": NOT_RUN}))
            with whole.open("wb") as file:
                for _, start, size in sorted(found):
                    lines.seek(start)
                    file.write(lines.read(size))
        whole.replace(path)
    finally:
        raw.unlink(missing_ok=True)
        whole.unlink(missing_ok=True)
    return counts


def _places(inputs: Inputs) -> list[Place]:
    both = [*inputs.places.values(), *(wrong.place for wrong in inputs.wrong)]
    return sorted(both, key=lambda place: (isinstance(place, str), place))


def _at(place: Place | None) -> dict[str, Place]:
    if place is None:
        return {}
    return {"line" if isinstance(place, int) else "file": place}


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
