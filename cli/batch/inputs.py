"""Inputs of a batch: a file with a record on each line (JSONL), or a folder of case files.

They are read as a stream and never held together. What cannot be used is told with its place.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from cli.errors import BadInput
from cli.inputs import mends, read
from cli.yaml_files import LARGEST
from workflows.data.case_batch import BatchInputs
from workflows.data.common import JSON, Record
from workflows.data.spread import MOST_BYTES, Item

SUFFIXES = (".yaml", ".yml", ".json")
Place = int | str
"""The number of a line, or the name of a file."""


@dataclass(frozen=True)
class Wrong:
    """An input that cannot be used: where it stands, whose it is if that is known, and why."""

    place: Place
    key: str
    why: str


@dataclass
class Inputs:
    """Inputs that were read once, with the place of each by its key (the case id)."""

    path: Path
    record: type[Record]
    places: dict[str, Place] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    sha256: str = ""
    cast: Callable[[dict[str, JSON]], dict[str, JSON]] | None = None
    """Turns each into what is done with it; raises ValueError for one that cannot be."""

    def items(self) -> Iterator[Item]:
        """Read them again. Raises BadInput at the end if they are not what they were."""
        digest = sha256()
        for place, given in _given(self.path, self.record, digest):
            if isinstance(given, Item) and self.places.get(given.key) == place:
                yield self._cast(given, place)
        if digest.hexdigest() != self.sha256:
            raise BadInput(f"{self.path} changed while it was read; nothing was started: run again")

    def _cast(self, item: Item, place: Place) -> Item:
        if self.cast is None:
            return item
        try:
            return item.model_copy(update={"request": self.cast(item.request)})
        except ValueError as wrong:
            raise BadInput(f"{self.path}: {at(place)}: {wrong}") from wrong

    def changed(self) -> bool:
        """Say whether they are not any more what was read."""
        digest = sha256()
        try:
            for _ in _raw(self.path, digest):
                pass
        except OSError:
            return True
        return digest.hexdigest() != self.sha256

    def told(self) -> BatchInputs:
        """Say where they came from, for the record."""
        return BatchInputs(
            name=self.path.name,
            sha256=self.sha256,
            taken=len(self.places),
            refused=len(self.wrong),
        )


def inputs(path: Path, record: type[Record]) -> Inputs:
    """Read and check every input. Raises BadInput if there is none to be read at all."""
    found, digest = Inputs(path, record), sha256()
    try:
        for place, given in _given(path, record, digest):
            if isinstance(given, Wrong):
                found.wrong.append(given)
            elif (first := found.places.setdefault(given.key, place)) != place:
                why = f"case: {given.key!r} stands there twice, first in {at(first)}; rename one"
                found.wrong.append(Wrong(place, given.key, why))
    except OSError as error:
        mend = "give a file of lines (JSONL) or a folder"
        raise BadInput(f"{path}: {error.strerror}; {mend}") from error
    found.sha256 = digest.hexdigest()
    if not found.places and not found.wrong:
        mend = "put case files in it" if path.is_dir() else "write one record of JSON on each line"
        raise BadInput(f"{path}: holds no input; {mend}")
    return found


def at(place: Place) -> str:
    """Name a place."""
    return f"line {place}" if isinstance(place, int) else place


def _given(path: Path, record: type[Record], digest: Any) -> Iterator[tuple[Place, Item | Wrong]]:
    for place, raw in _raw(path, digest):
        try:
            given = read(raw, record) if isinstance(raw, Path) else _record(raw, record)
            yield place, _item(given)
        except BadInput as error:
            why = str(error).replace(f"{raw}: ", "") if isinstance(raw, Path) else str(error)
            yield place, Wrong(place, "", why.replace("\n", "; "))


def _raw(path: Path, digest: Any) -> Iterator[tuple[Place, bytes | Path]]:
    """Give the lines of a file that hold something, or the files of a folder; `digest` sees all."""
    if path.is_dir():
        for file in sorted(f for f in path.iterdir() if f.suffix in SUFFIXES):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
            yield file.name, file
        return
    with path.open("rb") as lines:
        for number, line in enumerate(_lines(lines, digest), 1):
            if line.strip():
                yield number, line


def _lines(file: BinaryIO, digest: Any) -> Iterator[bytes]:
    """Give line by line; of one that is far too long only the beginning is held."""
    while line := file.readline(LARGEST + 1):
        digest.update(line)
        rest = line
        while len(rest) > LARGEST and not rest.endswith(b"\n"):
            rest = file.readline(LARGEST + 1)
            digest.update(rest)
        yield line


def _record(line: bytes, record: type[Record]) -> Record:
    if len(line) > LARGEST:
        raise BadInput(f"longer than {LARGEST} bytes; keep the document elsewhere and name it")
    try:
        data = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_once)
        return record.model_validate(data)
    except ValidationError as error:
        raise BadInput("; ".join(mends(error))) from error
    except UnicodeDecodeError as error:
        raise BadInput(f"not text in UTF-8 ({error.reason}); save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {error}; write one record on one line") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands there twice; remove one")
    return found


def _item(given: Any) -> Item:
    item = Item(key=given.case, request=given.model_dump(mode="json"))
    if (size := len(item.model_dump_json())) > MOST_BYTES:
        raise BadInput(f"holds {size} bytes, at most {MOST_BYTES} travel; name documents instead")
    return item
