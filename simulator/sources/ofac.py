"""The US Treasury's list file: `SDN.CSV`, twelve columns, no header, nothing written as `-0- `."""

from simulator.chance import digest
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, page, retry_after
from simulator.facts.sanctions import ROWS, Row

PATH = "/api/PublicationPreview/exports/SDN.CSV"
_NOTHING = "-0- "


def table() -> bytes:
    """Write the file: number, name, type, programmes joined by `] [`, seven columns that only
    persons and vessels fill, remarks.
    """
    return "".join(f"{','.join(_columns(row))}\r\n" for row in ROWS).encode()


def _columns(row: Row) -> list[str]:
    programs = _quoted("] [".join(row.programs))
    empty = [_NOTHING] * 7
    return [str(row.entry), _quoted(row.name), _NOTHING, programs, *empty, _quoted(row.remark)]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def answer(asked: Asked) -> Reply:
    """Answer the list file, or 304 when the asker has this version."""
    if (asked.method, asked.path) != ("GET", PATH):
        return page(404, "Not Found", "No such export.")
    body = table()
    etag = f'"{digest(body.hex())[:32]}"'
    if asked.headers.get("if-none-match") == etag:
        return Reply(304, b"", {"etag": etag}, media_type="text/csv")
    return Reply(200, body, {"etag": etag}, media_type="text/csv")


def failure(fault: Fault) -> Reply:
    """Word a fault as the file service does: plain pages."""
    match fault.kind:
        case FaultKind.RATE_LIMITED | FaultKind.QUOTA:
            shown = page(fault.status or 429, "Too Many Requests", "Try again later.")
            return Reply(shown.status, shown.body, retry_after(fault, 60.0), shown.media_type)
        case FaultKind.OVERLOADED:
            return page(fault.status or 503, "Service Unavailable", "Try again later.")
        case _:
            return page(fault.status or 500, "Internal Server Error", "Something went wrong.")


SERVICE = Service(answer, failure)
