"""Keys and tokens for tests, made with the libraries alone: none of the product's code signs."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workflows.data.common import Decision
from workflows.data.deciders import encoded

DEFAULTS: dict[str, Any] = {
    "gate": "review",
    "conditions": [],
    "comment": "",
    "value": None,
    "stands_for": None,
}
FIVE = timedelta(minutes=5)


def new_keys(*names: str) -> dict[str, Ed25519PrivateKey]:
    return {name: Ed25519PrivateKey.generate() for name in names}


def public(keys: Mapping[str, Ed25519PrivateKey]) -> dict[str, str]:
    """Give what a case file names."""
    return {name: encoded(key.public_key().public_bytes_raw()) for name, key in keys.items()}


def claims(
    said: Decision, case: str, opened: datetime, at: datetime, /, **other: Any
) -> dict[str, Any]:
    """Write what a token says; `other` claims stand for those."""
    fields = said.model_dump(mode="json", exclude={"token"})
    fields = {k: v for k, v in fields.items() if k not in DEFAULTS or v != DEFAULTS[k]}
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {
        "aud": case,
        "sub": said.by,
        "gate": said.gate,
        "opened": opened.isoformat(),
        "decision": hashlib.sha256(plain.encode()).hexdigest(),
        "role": "anybody",
        "iat": int(at.timestamp()),
        "exp": int((at + FIVE).timestamp()),
        "jti": secrets.token_urlsafe(16),
    } | other


def token(key: Any, told: Mapping[str, Any], algorithm: str = "EdDSA", **header: Any) -> str:
    """Sign claims."""
    return jwt.encode(dict(told), key, algorithm, {"typ": "braid-decision+jwt", **header})


def signed(
    said: Decision, key: Any, case: str, opened: datetime, at: datetime, /, **other: Any
) -> Decision:
    """Give a decision with its token."""
    made = token(key, claims(said, case, opened, at, **other))
    return said.model_copy(update={"token": made})
