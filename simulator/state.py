"""State that outlives the simulator's process: an append-only file of JSON lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import JsonValue, TypeAdapter, ValidationError

from simulator.config import FaultKind
from simulator.effects.records import Mail, Order
from workflows.data.common import Record


class Performed(Record):
    """An order that was performed."""

    kind: Literal["order"] = "order"
    order: Order


class Posted(Record):
    """A mail that was accepted; `due` is when its referee answers (Unix seconds), if ever."""

    kind: Literal["mail"] = "mail"
    number: int
    mail: Mail
    due: float | None = None


class Answered(Record):
    """The referee of the mail with that number has answered, or was given up."""

    kind: Literal["answered"] = "answered"
    number: int


class BatchItem(Record):
    """One request of a batch, as it would be sent alone."""

    custom_id: str
    path: str
    body: dict[str, JsonValue]


class Batched(Record):
    """A batch a vendor took; times are Unix seconds, `met` the faults of its items."""

    kind: Literal["batch"] = "batch"
    vendor: str
    id: str
    items: tuple[BatchItem, ...]
    mark: dict[str, str]
    met: dict[str, FaultKind]
    created: float
    due: float


class Cancelled(Record):
    """A batch was stopped at a time."""

    kind: Literal["cancelled"] = "cancelled"
    vendor: str
    batch: str
    at: float


Line = Performed | Posted | Answered | Batched | Cancelled
_LINE: TypeAdapter[Line] = TypeAdapter(Line)


class StateFile:
    """Lines appended one by one; without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    def append(self, line: Line) -> None:
        """Write one line through to the system, so that it survives the end of the process."""
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line.model_dump_json() + "\n")

    def lines(self) -> Iterator[Line]:
        """Read all lines; a last one cut off by a crash is cut away. Raises ValueError."""
        if self._path is None or not self._path.exists():
            return
        whole, _, rest = self._path.read_text(encoding="utf-8").rpartition("\n")
        if rest:
            self._path.write_text(whole + "\n" if whole else "", encoding="utf-8")
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                yield _LINE.validate_json(line)
            except ValidationError as wrong:
                raise ValueError(f"{self._path}, line {number}: not a line of ours") from wrong
