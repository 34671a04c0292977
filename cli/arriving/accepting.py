"""Which events start cases of which process: a file of the gateway's."""

from pathlib import Path

from cli.errors import BadInput
from cli.inputs import read
from cli.processes import process
from workflows.data.common import Record


class AcceptedEvents(Record):
    """Types of CloudEvents by the process each starts a case of; an event's data is its input."""

    accept: dict[str, str]


def accepted(file: Path) -> dict[str, str]:
    """Read the file. Raises BadInput, also for a process there is not."""
    found = dict(read(file, AcceptedEvents).accept)
    for kind, name in found.items():
        try:
            process(name)
        except BadInput as unknown:
            raise BadInput(f"{file}: accept.{kind}: {unknown}") from unknown
    return found
