"""Columns that are encrypted where a key ring is named with the store (`?keys=FILE`).

They hold what people and the world said: replies, answers, documents. What is written is sealed
with the current key and names it; clear rows from before are read as they are.
"""

from base64 import b64decode, b64encode
from typing import Any, Protocol

from sqlalchemy import URL, Dialect, LargeBinary, Text, TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.types import TypeDecorator

from store.errors import StoreError

KEYS = "keys"
"""The part of a store's address that names the key ring."""
MARK = b"braid-sealed:"


class Sealing(Protocol):
    """What seals and opens content; a key ring does."""

    def seal(self, content: bytes) -> tuple[str, bytes]:
        """Seal with the current key; give its id too."""

    def open(self, name: str, sealed: bytes) -> bytes:
        """Open what a key sealed."""


def parted(address: URL) -> tuple[URL, str]:
    """Take the key ring's file, empty if none is named, out of a store's address."""
    named = address.query.get(KEYS, "")
    return address.difference_update_query([KEYS]), named if isinstance(named, str) else named[0]


def seal_with(engine: AsyncEngine, sealing: Sealing) -> None:
    """Have the columns of this engine sealed."""
    engine.sync_engine.dialect.braid_sealing = sealing  # type: ignore[attr-defined]


def statement(words: str, **columns: type["Bytes | Words"]) -> TextClause:
    """Give a statement in words some of whose parameters are sealed."""
    return text(words).bindparams(
        *(bindparam(name, type_=kind()) for name, kind in columns.items())
    )


class Bytes(TypeDecorator[bytes]):
    """Bytes, sealed."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Seal."""
        return _sealed(value, dialect) if value else value

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        """Open. Raises StoreError, MissingKey."""
        return _opened(bytes(value), dialect) if value else value


class Words(TypeDecorator[str]):
    """Text, sealed."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal."""
        return _as_text(_sealed(value.encode(), dialect), value) if value else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open. Raises StoreError, MissingKey."""
        if not value or not value.startswith(MARK.decode()):
            return value
        head, _, sealed = value.rpartition(":")
        return _opened(head.encode() + b":" + b64decode(sealed), dialect).decode()


def _as_text(sealed: bytes, clear: str) -> str:
    if not sealed.startswith(MARK):
        return clear
    at = sealed.index(b":", len(MARK)) + 1
    return sealed[:at].decode() + b64encode(sealed[at:]).decode()


def _sealed(clear: bytes, dialect: Dialect) -> bytes:
    sealing: Sealing | None = getattr(dialect, "braid_sealing", None)
    if sealing is None:
        return clear
    name, sealed = sealing.seal(clear)
    return MARK + name.encode() + b":" + sealed


def _opened(value: bytes, dialect: Dialect) -> bytes:
    if not value.startswith(MARK):
        return value
    name, _, sealed = value.removeprefix(MARK).partition(b":")
    sealing: Sealing | None = getattr(dialect, "braid_sealing", None)
    if sealing is None:
        raise StoreError(
            f"the store has content sealed with key {name.decode(errors='replace')!r}: name the key"
            " ring with BRAID_KEYS_FILE, then start again"
        )
    return sealing.open(name.decode(errors="replace"), sealed)
