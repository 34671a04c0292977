"""Private keys in files of their own, and the decisions they sign."""

import os
import secrets
import stat
from datetime import datetime, timedelta
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.errors import BadInput
from runtime.settings import Settings
from workflows.data.common import Decision, GateView
from workflows.data.deciders import ALGORITHM, TOKEN_TYPE, TokenClaims, content_hash

LIFE = timedelta(minutes=5)
"""How long a token counts: it is sent at once."""


def file_of(settings: Settings, name: str) -> Path:
    """Say where the private key of somebody is kept unless another file is named."""
    return settings.data / "identities" / f"{name}.pem"


def chosen(settings: Settings, by: str, named: Path | None) -> Path | None:
    """Choose the key to sign with: that named, else BRAID_IDENTITY, else the one kept for `by`."""
    if (file := named or settings.identity) is not None:
        return file
    kept = file_of(settings, by)
    return kept if kept.exists() else None


def make(file: Path) -> Ed25519PrivateKey:
    """Make a private key in a new file that only its owner reads. Raises BadInput."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as kept:
            kept.write(text)
    except FileExistsError:
        raise BadInput(f"{file} is there already, and a key lost is lost; name another") from None
    except OSError as error:
        raise BadInput(f"{file}: cannot be written: {error.strerror}") from error
    return key


def read(file: Path) -> Ed25519PrivateKey:
    """Read a private key. Raises BadInput, never showing what is in the file."""
    try:
        mode, text = stat.S_IMODE(file.stat().st_mode), file.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{file}: {error.strerror}; `starter.py identity new NAME` makes a key"
        ) from error
    if mode & 0o077:
        raise BadInput(f"{file}: others can read this key; close it: chmod 600 {file}")
    try:
        key = serialization.load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInput(f"{file}: is no private key in PEM without a password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"{file}: is no Ed25519 key; `starter.py identity new NAME` makes one")
    return key


def signed(
    said: Decision, case: str, gate: GateView, key: Ed25519PrivateKey, role: str, at: datetime
) -> Decision:
    """Sign a decision for this gate as it is open now. Raises pydantic's ValidationError."""
    claims = TokenClaims(
        aud=case,
        sub=said.by,
        gate=gate.name,
        opened=gate.opened,
        decision=content_hash(said),
        role=role,
        iat=int(at.timestamp()),
        exp=int((at + LIFE).timestamp()),
        jti=secrets.token_urlsafe(16),
    )
    told = claims.model_dump(mode="json")
    token = jwt.encode(told, key, algorithm=ALGORITHM, headers={"typ": TOKEN_TYPE})
    return said.model_copy(update={"token": token})
