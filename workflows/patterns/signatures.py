"""Signatures: whether a decision's token was signed by the person it names, for this very gate.

Pure: a signature is checked by arithmetic, and time is the workflow's.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import PyJWS

from workflows.data.common import Decision
from workflows.data.deciders import (
    ALGORITHM,
    ANY_ROLE,
    TOKEN_TYPE,
    Keys,
    TokenClaims,
    claims_in,
    content_hash,
    decoded,
    persons,
)
from workflows.patterns.clock import now
from workflows.patterns.objection import Objection, Why
from workflows.patterns.seats import Panel

SKEW = timedelta(minutes=1)
"""How far the clock of whoever signs may be ahead of the server's."""
LONGEST_TOKEN = 4_000
COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]")
"""One way of writing each token: the last letter of a signature carries two bits, not six."""


class Signatures:
    """The keys of a case, by name; without any, decisions count unsigned. `case` is the workflow
    id its tokens name.
    """

    def __init__(self, keys: Keys | None = None, case: str = "") -> None:
        self._keys, self._case = keys or {}, case

    @property
    def wanted(self) -> bool:
        """Whether only signed decisions count."""
        return bool(self._keys)

    def object(
        self, said: Decision, opened: datetime, counted: Sequence[Decision]
    ) -> Objection | None:
        """Say what is wrong with a decision's token at a gate opened then, where others counted."""
        if not self.wanted:
            return None
        if not said.token:
            told = f"this case takes signed decisions only, and that of {said.by} is not signed"
            return Objection(Why.UNSIGNED, f"{told}; sign it with the key of {said.by}")
        if said.by not in self._keys:
            return Objection(Why.STRANGER, f"the case names no key of {said.by}")
        try:
            claims = _verified(said.token, self._keys[said.by])
            return self._elsewhere(claims, said, opened) or _stale(claims, counted)
        except Exception:  # whatever a token brings about, it must not stop the workflow
            told = f"the token is not signed with the key the case names for {said.by}"
            return Objection(Why.FORGED, f"{told}, or was changed; sign the decision anew")

    def known(self, panel: Panel) -> Panel:
        """Leave out of a panel those without a key, and tell it which names are one person's."""
        if not self.wanted:
            return panel
        strangers = {s.by for s in panel.seats()} - set(self._keys)
        return replace(panel, persons=persons(self._keys), excluded=panel.excluded | strangers)

    def role(self, said: Decision) -> str:
        """Give the one role a decision was signed in; empty if it was not narrowed to one."""
        if not self.wanted or not said.token:
            return ""
        role = claims_in(said.token).role
        return "" if role == ANY_ROLE else role

    def kept(self, said: Decision) -> Decision:
        """Give a decision as it is kept: a token nobody checked is no proof, and is left out."""
        return said if self.wanted else said.model_copy(update={"token": None})

    def _elsewhere(self, claims: TokenClaims, said: Decision, opened: datetime) -> Objection | None:
        for what, signed, here in (
            ("case", claims.aud, self._case),
            ("person", claims.sub, said.by),
            ("gate", claims.gate, said.gate),
            ("opening of the gate", claims.opened, opened),
            ("decision", claims.decision, content_hash(said)),
        ):
            if signed != here:
                told = f"the token was signed for another {what}"
                return Objection(Why.ELSEWHERE, f"{told}; sign this decision for this gate")
        return None


def _verified(token: str, key: str) -> TokenClaims:
    """Check a token's signature. Raises whatever is wrong with it: above all ValueError."""
    if len(token) > LONGEST_TOKEN or not COMPACT.fullmatch(token):
        raise ValueError("no compact JWS")
    public = Ed25519PublicKey.from_public_bytes(decoded(key))
    found = PyJWS().decode_complete(token, public, algorithms=[ALGORITHM])
    if found["header"].get("typ") != TOKEN_TYPE:
        raise ValueError("signed for something else")
    return claims_in(token)


def _stale(claims: TokenClaims, counted: Sequence[Decision]) -> Objection | None:
    if any(claims_in(d.token).jti == claims.jti for d in counted if d.token):
        return Objection(Why.REPLAYED, "the token was used already; each counts once")
    if now() >= datetime.fromtimestamp(claims.exp, UTC):
        told = f"the token expired at {datetime.fromtimestamp(claims.exp, UTC):%Y-%m-%d %H:%M:%S}"
        return Objection(Why.EXPIRED, f"{told} UTC; sign the decision anew")
    if now() < datetime.fromtimestamp(claims.iat, UTC) - SKEW:
        told = "the token was signed in the future; set the clock where it is signed"
        return Objection(Why.EXPIRED, told)
    return None
