"""The US Treasury's list as four files without a header, nothing written as `-0- `: entries
(`SDN.CSV`), aliases, addresses, and what does not fit into an entry's remarks.
"""

from collections.abc import Callable, Iterator

from simulator.chance import digest
from simulator.config import Fault, FaultKind
from simulator.exchange import Asked, Reply, Service, page, retry_after
from simulator.facts.sanctions import ROWS

FOLDER = "/api/PublicationPreview/exports/"
CHANGED = "Wed, 30 Jun 2021 14:00:00 GMT"
REMARKS_END = 1000
"""Characters of remarks that fit into an entry; the rest goes to a file of its own."""
_NOTHING = "-0- "


def _entries() -> Iterator[list[str]]:
    for row in ROWS:
        programs = _quoted("] [".join(row.programs))
        kind = _quoted(row.kind) if row.kind else _NOTHING
        remark = row.remark[:REMARKS_END]
        last = _quoted(remark) if remark else _NOTHING
        yield [str(row.entry), _quoted(row.name), kind, programs, *[_NOTHING] * 7, last]


def _aliases() -> Iterator[list[str]]:
    for row in ROWS:
        for number, alias in enumerate(row.aliases, 1):
            yield [str(row.entry), f"{row.entry}{number}", '"aka"', _quoted(alias), _NOTHING]


def _addresses() -> Iterator[list[str]]:
    for row in ROWS:
        for number, country in enumerate(row.countries, 1):
            place = [f"{row.entry}{number}", _NOTHING, _NOTHING, _quoted(country), _NOTHING]
            yield [str(row.entry), *place]


def _longer() -> Iterator[list[str]]:
    for row in ROWS:
        if more := row.remark[REMARKS_END:]:
            yield [str(row.entry), _quoted(more)]


FILES: dict[str, Callable[[], Iterator[list[str]]]] = {
    "SDN.CSV": _entries,
    "ALT.CSV": _aliases,
    "ADD.CSV": _addresses,
    "SDN_COMMENTS.CSV": _longer,
}


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def answer(asked: Asked) -> Reply:
    """Answer one of the files, or 304 when the asker has this version."""
    lines = FILES.get(asked.path.removeprefix(FOLDER))
    if asked.method != "GET" or not asked.path.startswith(FOLDER) or lines is None:
        return page(404, "Not Found", "No such export.")
    # Every file ends with a lone control character.
    body = "".join(f"{','.join(columns)}\r\n" for columns in lines()).encode() + b"\x1a"
    etag = f'"{digest(body.hex())[:32]}"'
    headers = {"etag": etag, "last-modified": CHANGED}
    if asked.headers.get("if-none-match") == etag:
        return Reply(304, b"", headers, media_type="text/csv")
    return Reply(200, body, headers, media_type="text/csv")


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
