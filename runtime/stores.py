"""Where the store is: a file of this clone, or a PostgreSQL database that is named."""

from collections.abc import Mapping
from pathlib import Path

STORE, PASSWORD_FILE = "BRAID_STORE", "BRAID_STORE_PASSWORD_FILE"
MOST_MB = "BRAID_STORE_MOST_MB"
PAGES_A_MB = 256
"""SQLite's pages have 4 KiB."""


def given(env: Mapping[str, str]) -> str:
    """Read the address of the store, with the name of its password's file; empty if none is given.

    Raises ValueError, saying how to mend it and showing no password.
    """
    if not (said := env.get(STORE, "")):
        return ""
    from sqlalchemy import make_url  # a tenth of a second, and most name no address
    from sqlalchemy.exc import ArgumentError

    try:
        address = make_url(said)
    except ArgumentError:
        address = None
    if address is None or address.get_backend_name() != "postgresql" or not address.database:
        raise ValueError(
            f"{STORE} is not understood; set it to postgresql://USER@HOST:5432/DATABASE,"
            " or leave it out for a file in BRAID_DATA"
        )
    if address.password is not None:
        raise ValueError(
            f"{STORE} holds a password, which would show in the list of processes; write it into a"
            f" file that only the worker may read, and name that in {PASSWORD_FILE}"
        )
    if file := env.get(PASSWORD_FILE, ""):
        if not Path(file).is_file():
            raise ValueError(f"{PASSWORD_FILE}: there is no file {file}")
        address = address.update_query_dict({"password_file": file})
    return address.set(drivername="postgresql+asyncpg").render_as_string()


def in_file(file: Path, most_mb: int) -> str:
    """Give the address of a store in a file, which may grow to so many MB (0: any)."""
    bound = f"?max_page_count={most_mb * PAGES_A_MB}" if most_mb else ""
    return f"sqlite+aiosqlite:///{file}{bound}"


def most_mb(env: Mapping[str, str]) -> int:
    """Read how large the file may grow; 0 if nothing is said. Raises ValueError."""
    said = env.get(MOST_MB, "0")
    if not said.isascii() or not said.isdigit():
        raise ValueError(f"{MOST_MB}={said!r}: write whole megabytes, as 500")
    return int(said)
