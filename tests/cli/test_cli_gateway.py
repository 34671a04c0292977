"""Who is let in to the gateway."""

from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cli.arriving.callers import Right, rights, signing_in
from cli.errors import BadInput
from runtime import key_file
from runtime.keys import KeyRing
from runtime.tokens import GATEWAY, LONGEST, Caller, NotSignedIn, signed_in, token

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    key_file.new(tmp_path / "keys.json", date(2026, 11, 27))
    return KeyRing(tmp_path / "keys.json")


def test_a_token_names_its_caller_and_gives_its_rights_alone(ring: KeyRing) -> None:
    good = token(ring, "shop", HOUR, NOW, audience=GATEWAY, rights=rights("start, read"))
    sign_in = signing_in("s3cret", ring)
    assert sign_in is not None
    assert sign_in(good) == Caller("shop", frozenset({Right.START, Right.READ}))
    assert sign_in("s3cret").rights == frozenset(Right)
    new = key_file.add(ring.path, date(2026, 11, 28), use=True).id
    assert ring.current.id == new
    assert sign_in(good).name == "shop", "a rotation ends no token"
    without = ".".join((*good.split(".")[:2], ""))
    old = token(ring, "shop", HOUR, NOW - LONGEST, audience=GATEWAY)
    deep = b64encode(b"[" * 100_000).decode() + ".e30.x"
    for wrong in ("", "x.y.z", "s3cre", without, old, deep, token(ring, "ana", HOUR, NOW)):
        with pytest.raises(NotSignedIn, match="gateway-token"):
            sign_in(wrong)
    with pytest.raises(NotSignedIn, match="codec token"):
        signed_in(ring, good)


def test_without_keys_the_secret_alone_counts_and_without_both_anybody(ring: KeyRing) -> None:
    assert signing_in("", None) is None
    sign_in = signing_in("s3cret", None)
    assert sign_in is not None
    assert sign_in("s3cret").rights == frozenset(Right)
    with pytest.raises(NotSignedIn):
        sign_in(token(ring, "shop", HOUR, NOW, audience=GATEWAY, rights=Right))


@pytest.mark.parametrize("said", ["", "start,", "write", "start read"])
def test_a_right_there_is_not_is_named(said: str) -> None:
    with pytest.raises(BadInput, match="start,read,send,decide"):
        rights(said)
