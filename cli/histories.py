"""Histories explained: from a file of any origin, or from the server with what belongs to it."""

from pathlib import Path

from cli.errors import BadInput
from insight.reader import NotAHistory, read_histories
from insight.report import Report, report

_MEND = "give a history as JSON, as `temporal workflow show -w ID -o json` writes it"


def from_file(path: Path) -> tuple[Report, ...]:
    """Explain every history in a file. Raises BadInput in one line if there is none."""
    try:
        return tuple(report(events) for events in read_histories(path.read_bytes()))
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; {_MEND}") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder; name one file in it: {_MEND}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; {_MEND}") from None
    except NotAHistory as error:
        raise BadInput(f"{path}: {error}; {_MEND}") from None
