"""Sign-in of the codec endpoint: short-lived tokens, signed with keys derived from the key ring.

Whoever has the ring can read everything anyhow, so it is he who lets others read.
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from runtime.keys import KeyRing, MissingKey

AUDIENCE = "braid-codec"
LONGEST = timedelta(hours=24)
"""How long a token may be good."""
ALGORITHM = "HS256"
_USE = b"sign-in"
_MEND = "sign in with a token of `starter.py codec token`"


class NotSignedIn(Exception):
    """The token is missing, wrong or too old; the message says how to get one."""


def token(ring: KeyRing, who: str, good_for: timedelta, now: datetime) -> str:
    """Make a token for somebody; it is good for 24 hours at most."""
    import jwt  # 0.1 s

    key = ring.current
    claims = {"sub": who, "aud": AUDIENCE, "iat": now, "jti": uuid4().hex}
    claims["exp"] = now + min(good_for, LONGEST)
    return jwt.encode(claims, key.derived(_USE), ALGORITHM, headers={"kid": key.id})


def signed_in(ring: KeyRing, given: str) -> str:
    """Say for whom a token was made. Raises NotSignedIn."""
    import jwt

    if not given:
        raise NotSignedIn(_MEND)
    try:
        key = ring.key(str(jwt.get_unverified_header(given).get("kid")))
        told = jwt.decode(
            given,
            key.derived(_USE),
            [ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["exp", "iat", "sub", "aud"]},
        )
    except (jwt.PyJWTError, MissingKey) as wrong:
        raise NotSignedIn(f"the token is not good (any more): {_MEND}") from wrong
    if (
        datetime.fromtimestamp(told["exp"], UTC) - datetime.fromtimestamp(told["iat"], UTC)
        > LONGEST
    ):
        raise NotSignedIn(f"the token is good for too long: {_MEND}")
    return str(told["sub"])
