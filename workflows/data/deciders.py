"""Who may decide, known by public keys: the keys of a case, and what a decision's token says.

A token is a compact JWS (RFC 7515) signed with Ed25519: docs/operations/identity.md.
"""

import json
from abc import abstractmethod
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from workflows.data.audit import Hash, canonical
from workflows.data.common import Decision, PersonName, Record

TOKEN_TYPE = "braid-decision+jwt"  # noqa: S105 - a media type
"""The `typ` of a token: nothing else that is signed with the same key passes for a decision."""
ALGORITHM = "EdDSA"
LONGEST_LIFE = timedelta(minutes=15)
ANY_ROLE = "anybody"
"""The `role` of a token whose signer decides in whatever roles the case gives."""


def public_key(value: object) -> str:
    """Read an Ed25519 public key: PEM, a JWK (as text too), or its `x` alone, which is given.

    Raises ValueError naming what is wrong, never what was given: that may be a private key.
    """
    if isinstance(value, str) and value.lstrip().startswith("-----BEGIN"):
        return _of_pem(value)
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError("is no JSON; write a JWK, PEM, or the x of a JWK") from None
    if isinstance(value, Mapping):
        if "d" in value:
            raise ValueError("is a private key; keep that, and write the JWK without its d")
        if (value.get("kty"), value.get("crv")) != ("OKP", "Ed25519"):
            raise ValueError("is no Ed25519 key; a JWK of one has kty OKP and crv Ed25519")
        value = value.get("x")
    try:
        raw = decoded(value) if isinstance(value, str) else b""
    except ValueError:
        raw = b""
    if len(raw) != 32 or value != (x := encoded(raw)):
        raise ValueError("is no Ed25519 public key; write a JWK, PEM, or the x of a JWK")
    return x


def _of_pem(text: str) -> str:
    # Only here: the command line starts without it.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if "PRIVATE" in text:
        raise ValueError("is a private key; keep that, and write its public key")
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("is no PEM of a public key, as `identity show` writes") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("is no Ed25519 key; `starter.py identity new` makes one")
    return encoded(key.public_bytes_raw())


def encoded(raw: bytes) -> str:
    """Write bytes in base64url without padding, as JWS and JWK do."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


PublicKey = Annotated[
    str,
    BeforeValidator(public_key),
    WithJsonSchema(
        {
            "description": "Ed25519 public key: PEM, a JWK, or the x of a JWK",
            "anyOf": [{"type": "string"}, {"type": "object"}],
        }
    ),
]
Keys: TypeAlias = Mapping[str, str]
"""Names, and the `x` of the public key each decides with."""


def persons(keys: Keys) -> dict[str, str]:
    """Give, for each name, the first name with the same key: one holder is one person."""
    first: dict[str, str] = {}
    for name, key in keys.items():
        first.setdefault(key, name)
    return {name: first[key] for name, key in keys.items()}


class Keyed(Record):
    """An input that may name the public keys of its people. If it does, only decisions signed with
    them count; names with the same key are one person, and the author's key excludes the author.
    """

    keys: dict[PersonName, PublicKey] = Field(
        default_factory=dict, exclude_if=lambda keys: not keys
    )
    """Public keys by name. With them, only signed decisions count."""

    @abstractmethod
    def deciders(self) -> Iterable[str]:
        """Name everybody who may decide in the case."""

    def person(self, name: str) -> str:
        """Give the name under which somebody is one person, whatever the name used."""
        return persons(self.keys).get(name, name)

    @model_validator(mode="after")
    def _all_known(self) -> Self:
        if self.keys and (strangers := sorted(set(self.deciders()) - set(self.keys))):
            raise ValueError(
                f"keys: none of {strangers[0]}, who may decide; add the public key"
                " (`starter.py identity show` tells it), or leave out all keys"
            )
        return self


class TokenClaims(Record):
    """What a token says: in which case (`aud`, the workflow id), at which gate, opened when, who
    (`sub`) decides what (`decision`, see `content_hash`) in which role, from and until when
    (`iat`, `exp`, in seconds since 1970), and a number of its own (`jti`).
    """

    aud: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    sub: PersonName
    gate: str
    opened: AwareDatetime
    decision: Hash
    role: Annotated[str, StringConstraints(min_length=1, max_length=100)] = ANY_ROLE
    iat: Annotated[int, Field(strict=True, ge=0)]
    exp: Annotated[int, Field(strict=True, ge=0)]
    jti: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$")]

    @model_validator(mode="after")
    def _short_lived(self) -> Self:
        if not 0 < self.exp - self.iat <= LONGEST_LIFE.total_seconds():
            raise ValueError("exp: write a time after iat and at most 15 minutes later")
        return self


def content_hash(decision: Decision) -> str:
    """Give the sha256 of a decision's canonical JSON: all but the token and what is at its
    default (`gate` review, no conditions, no comment, nulls).
    """
    said: dict[str, Any] = decision.model_dump(
        mode="json", exclude={"token"}, exclude_defaults=True
    )
    return sha256(canonical(said).encode("utf-8", "surrogatepass")).hexdigest()


def claims_in(token: str) -> TokenClaims:
    """Read what a token says, without checking its signature.

    Raises ValueError (pydantic's too) if it says nothing of the kind.
    """
    return TokenClaims.model_validate_json(decoded(token.split(".")[1]))


def decoded(text: str) -> bytes:
    """Read base64url without padding. Raises ValueError."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
