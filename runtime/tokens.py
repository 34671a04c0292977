"""Sign-in of codec endpoint and gateway: short-lived tokens, signed by keys of the ring.

Whoever has the ring can read everything anyhow, so it is he who lets others in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from runtime.keys import KeyRing, MissingKey

CODEC, GATEWAY = "braid-codec", "braid-gateway"
"""What a token lets in to: each of one is refused by the other."""
LONGEST = timedelta(hours=24)
"""How long a token may be good."""
ALGORITHM = "HS256"
_USE = b"sign-in"
_COMMAND = {CODEC: "codec token", GATEWAY: "gateway-token"}


class NotSignedIn(Exception):
    """The token is missing, wrong or too old; the message says how to get one."""


@dataclass(frozen=True)
class Caller:
    """Who is signed in, and the rights the token gives."""

    name: str
    rights: frozenset[str] = frozenset()


def token(
    ring: KeyRing,
    who: str,
    good_for: timedelta,
    now: datetime,
    *,
    audience: str = CODEC,
    rights: Iterable[str] = (),
) -> str:
    """Make a token for somebody; it is good for 24 hours at most."""
    import jwt  # 0.1 s

    key = ring.current
    claims = {"sub": who, "aud": audience, "iat": now, "jti": uuid4().hex}
    claims["exp"] = now + min(good_for, LONGEST)
    claims["scope"] = " ".join(sorted(rights))  # as RFC 8693 writes rights
    return jwt.encode(claims, key.derived(_USE), ALGORITHM, headers={"kid": key.id})


def signed_in(ring: KeyRing, given: str, audience: str = CODEC) -> Caller:
    """Say for whom a token was made. Raises NotSignedIn."""
    import jwt

    mend = f"sign in with a token of `starter.py {_COMMAND[audience]}`"
    if not given:
        raise NotSignedIn(mend)
    try:
        key = ring.key(str(jwt.get_unverified_header(given).get("kid")))
        told = jwt.decode(
            given,
            key.derived(_USE),
            [ALGORITHM],
            audience=audience,
            options={"require": ["exp", "iat", "sub", "aud"]},
        )
    except (jwt.PyJWTError, MissingKey, RecursionError) as wrong:
        raise NotSignedIn(f"the token is not good (any more): {mend}") from wrong
    if (
        datetime.fromtimestamp(told["exp"], UTC) - datetime.fromtimestamp(told["iat"], UTC)
        > LONGEST
    ):
        raise NotSignedIn(f"the token is good for too long: {mend}")
    return Caller(str(told["sub"]), frozenset(str(told.get("scope", "")).split()))
