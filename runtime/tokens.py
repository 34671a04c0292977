"""Sign-in of codec endpoint and gateway: short-lived tokens, signed by keys of the ring.

Whoever has the ring can read everything anyhow, so it is he who lets others in. What was given
to somebody can be taken back before it expires (`store/revocations.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from runtime.keys import KeyRing, MissingKey
from store.revocations import Revocations

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
    """Who is signed in, what the token gives, to what it lets in, and when it was made (seconds
    since 1970).
    """

    name: str
    rights: frozenset[str] = frozenset()
    audience: str = ""
    made: float = 0.0


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
    claims: dict[str, object] = {"sub": who, "aud": audience, "jti": uuid4().hex}
    claims["iat"] = now.timestamp()  # to the microsecond: one made after a revocation is good
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
    if int(told["exp"]) - int(told["iat"]) > LONGEST.total_seconds():
        raise NotSignedIn(f"the token is good for too long: {mend}")
    rights = frozenset(str(told.get("scope", "")).split())
    return Caller(str(told["sub"]), rights, audience, float(told["iat"]))


async def still_let_in(caller: Caller, revocations: Revocations) -> Caller:
    """Give the caller, whose token was not taken back. Raises NotSignedIn, StoreError."""
    if await revocations.revoked(caller.audience, caller.name, caller.made):
        raise NotSignedIn("the token was taken back; ask whoever made it for another")
    return caller
