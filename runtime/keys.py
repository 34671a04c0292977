"""The key ring: the keys content is sealed with, in a file only its owner may read.

The file is JSON: `{"current": ID, "keys": {ID: {"made": DAY, "secret": 32 bytes in base64}}}`.
What is new is sealed with the current key; every key of the ring opens what it once sealed.
"""

import binascii
import hmac
import json
import os
import secrets
import stat
from base64 import b64decode
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from runtime.settings import Settings, SettingsError

NONCE = 12
"""Bytes of a nonce of AES-GCM."""
SECRET = 32
"""Bytes of a key."""
MOUNTED = (Path("/run/secrets"), Path("/var/run/secrets"))
"""Where containers find secrets: who may read a file there is their platform's affair."""

_MAKE = "make one with `starter.py keys new`"


class MissingKey(SettingsError):
    """Something was sealed with a key that is not at hand; the message names it."""


class NotOurs(ValueError):
    """Sealed content was changed, or another key of the same name sealed it."""


@dataclass(frozen=True)
class Key:
    """One key. Its uses have keys of their own, derived from the secret."""

    id: str
    made: str
    secret: bytes = field(repr=False)

    def derived(self, use: bytes) -> bytes:
        """Derive the key of one use: 32 bytes."""
        return hmac.digest(self.secret, b"braid " + use, "sha256")

    @cached_property
    def _cipher(self) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 40 ms, often not needed

        return AESGCM(self.derived(b"content"))

    def seal(self, content: bytes, *, repeatable: bool = False) -> bytes:
        """Encrypt with AES-256-GCM: nonce, ciphertext, tag.

        `repeatable` derives the nonce from the content: the same content gives the same bytes.
        """
        if repeatable:
            nonce = hmac.digest(self.derived(b"nonce"), content, "sha256")[:NONCE]
        else:
            nonce = secrets.token_bytes(NONCE)
        return nonce + bytes(self._cipher.encrypt(nonce, content, self.id.encode()))

    def open(self, sealed: bytes) -> bytes:
        """Decrypt what `seal` gave. Raises NotOurs."""
        from cryptography.exceptions import InvalidTag

        try:
            return bytes(self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], self.id.encode()))
        except (InvalidTag, ValueError) as wrong:
            raise NotOurs(f"content sealed with key {self.id} cannot be opened") from wrong


class KeyRing:
    """The keys of a file. It is read again when it has changed, so a rotation needs no restart."""

    def __init__(self, path: Path) -> None:
        """Read the ring. Raises SettingsError."""
        self.path = path
        self._seen = _mark(path)
        self._current, self._keys = read(path)

    @property
    def current(self) -> Key:
        """The key that seals what is new."""
        self._refresh()
        return self._keys[self._current]

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys, the oldest first."""
        self._refresh()
        return tuple(self._keys.values())

    def key(self, name: str) -> Key:
        """Give a key by its id. Raises MissingKey."""
        if name not in self._keys:
            self._refresh()
        if name not in self._keys:
            raise MissingKey(
                f"what was encrypted with key {name!r} cannot be read: the key is not in"
                f" {self.path}; put it back, or name the file that has it with BRAID_KEYS_FILE"
            )
        return self._keys[name]

    def seal(self, content: bytes) -> tuple[str, bytes]:
        """Seal with the current key; give its id too."""
        key = self.current
        return key.id, key.seal(content)

    def open(self, name: str, sealed: bytes) -> bytes:
        """Open what a key sealed. Raises MissingKey, NotOurs."""
        return self.key(name).open(sealed)

    def _refresh(self) -> None:
        try:
            seen = _mark(self.path)
            if seen == self._seen:
                return
            self._current, self._keys = read(self.path)
        except (OSError, SettingsError):
            return  # it is just being mounted anew, or spoilt: go on with what was read
        self._seen = seen


def ring_of(settings: Settings) -> KeyRing | None:
    """Read the key ring of the settings, None if there is no file. Raises SettingsError."""
    if settings.keys_path is None and not settings.keys_file.exists():
        return None
    return KeyRing(settings.keys_file)


def read(path: Path) -> tuple[str, dict[str, Key]]:
    """Read a ring: the current key's id, and the keys. Raises SettingsError."""
    _private(path)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        keys = {name: _key(name, one) for name, one in told["keys"].items()}
        current = told["current"]
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise SettingsError(
            f"{path}: is no key ring (docs/operations/encryption.md); restore it, or {_MAKE}"
        ) from wrong
    if current not in keys:
        raise SettingsError(f"{path}: the current key {current!r} is not among its keys")
    return current, keys


def _key(name: str, told: dict[str, str]) -> Key:
    try:
        secret = b64decode(told["secret"], validate=True)
    except binascii.Error as wrong:
        raise ValueError(f"key {name!r} is no base64") from wrong
    if len(secret) != SECRET:
        raise ValueError(f"key {name!r} has {len(secret)} bytes, not {SECRET}")
    return Key(name, told["made"], secret)


def _private(path: Path) -> None:
    """Refuse a file that others may read. Raises SettingsError."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such key ring; {_MAKE}") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    if mode & 0o077 and not any(path.is_relative_to(place) for place in MOUNTED):
        raise SettingsError(f"{path}: others may read these keys ({mode:03o}); chmod 600 {path}")


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_ino
