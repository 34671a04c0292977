"""Who calls the gateway, and what they may do there."""

import hmac
from collections.abc import Awaitable, Callable
from enum import StrEnum

from cli.errors import BadInput
from runtime.keys import KeyRing
from runtime.tokens import GATEWAY, Caller, NotSignedIn, signed_in, still_let_in
from store.revocations import Revocations

SignIn = Callable[[str], Awaitable[Caller]]
"""Says whose a bearer token is. Raises NotSignedIn, StoreError."""


class Right(StrEnum):
    """What a caller may do."""

    START = "start"
    READ = "read"
    SEND = "send"
    """Messages that are no decisions."""
    DECIDE = "decide"


EVERYBODY = Caller("anybody", frozenset(Right))
"""Who calls where there is no sign-in."""
NOBODY = Caller("")


def signing_in(
    secret: str, ring: KeyRing | None, revocations: Revocations | None = None
) -> SignIn | None:
    """Take tokens of the key ring that were not taken back, and the secret, which gives every
    right; None without both.
    """
    if not secret and ring is None:
        return None

    async def sign_in(given: str) -> Caller:
        if secret and hmac.compare_digest(given.encode(), secret.encode()):
            return Caller("shared secret", frozenset(Right))
        if ring is None:
            raise NotSignedIn("sign in: Authorization: Bearer TOKEN")
        caller = signed_in(ring, given, GATEWAY)
        return await still_let_in(caller, revocations) if revocations else caller

    return sign_in


def rights(said: str) -> tuple[Right, ...]:
    """Read rights as `start,read`. Raises BadInput."""
    try:
        return tuple(Right(one.strip()) for one in said.split(","))
    except ValueError:
        raise BadInput(f"--may {said!r}: say some of {','.join(Right)}") from None
