"""Changes of a key ring's file: a first key, another one, which one is current, one less."""

import json
import os
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from runtime.keys import SECRET, Key, read
from runtime.processes import Locked, lock
from runtime.settings import SettingsError


@dataclass
class Ring:
    """A ring as it is to be written."""

    current: str
    keys: dict[str, Key]


def new(path: Path, today: date) -> Key:
    """Make a ring with its first key. Raises SettingsError where there is a file already."""
    key = _made(today)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        if path.exists():
            raise SettingsError(f"{path}: there is a key ring already; `keys rotate` adds a key")
        _write(path, key.id, {key.id: key})
    return key


@contextmanager
def changed(path: Path) -> Iterator[Ring]:
    """Read a ring, have it changed, and write it at once whole. Raises SettingsError."""
    with _alone(path):
        ring = Ring(*read(path))
        yield ring
        _write(path, ring.current, ring.keys)


def add(path: Path, today: date, *, use: bool) -> Key:
    """Add a new key, and `use` it for all that is new from now on. Raises SettingsError."""
    key = _made(today)
    with changed(path) as ring:
        ring.keys[key.id] = key
        if use:
            ring.current = key.id
    return key


def turn_to(path: Path, name: str) -> None:
    """Make a key of the ring the current one. Raises SettingsError."""
    with changed(path) as ring:
        _known(ring, name, path)
        ring.current = name


def drop(path: Path, name: str) -> None:
    """Remove an old key: what it sealed cannot be read any more. Raises SettingsError."""
    with changed(path) as ring:
        _known(ring, name, path)
        if name == ring.current:
            raise SettingsError(f"{name} seals what is new; rotate first")
        del ring.keys[name]


def _known(ring: Ring, name: str, path: Path) -> None:
    if name not in ring.keys:
        raise SettingsError(f"{path} has no key {name!r}; it has {', '.join(ring.keys)}")


def _made(today: date) -> Key:
    return Key(f"k{today:%Y%m%d}-{secrets.token_hex(3)}", f"{today}", secrets.token_bytes(SECRET))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    try:
        held = lock(path.with_name(path.name + ".lock"))
    except Locked:
        raise SettingsError(f"{path}: another command changes it just now; try again") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be changed: {error.strerror}") from error
    with held:
        yield


def _write(path: Path, current: str, keys: Mapping[str, Key]) -> None:
    plain = {k.id: {"made": k.made, "secret": b64encode(k.secret).decode()} for k in keys.values()}
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"current": current, "keys": plain}, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
