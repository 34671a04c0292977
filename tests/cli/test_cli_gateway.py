"""Who is let in to the gateway."""

import asyncio
from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from temporalio.client import Client

from cli.arriving import desk
from cli.arriving.beginning import Beginning
from cli.arriving.callers import Right, rights, signing_in
from cli.arriving.gateway import Gateway, create_app
from cli.errors import BadInput
from runtime import bodies, key_file
from runtime.keys import KeyRing
from runtime.tokens import CODEC, GATEWAY, LONGEST, Caller, NotSignedIn, signed_in, token
from store.attempts import Attempts
from store.database import Store
from store.revocations import Revocations
from tests.support.world import example
from workflows.data.email_triage import SupportDesk

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    key_file.new(tmp_path / "keys.json", date(2026, 11, 27))
    return KeyRing(tmp_path / "keys.json")


@pytest.mark.filterwarnings("ignore:The HMAC key")
async def test_a_token_names_its_caller_and_gives_its_rights_alone(ring: KeyRing) -> None:
    good = token(ring, "shop", HOUR, NOW, audience=GATEWAY, rights=rights("start, read"))
    sign_in = signing_in("s3cret", ring)
    assert sign_in is not None
    rights_given = frozenset({Right.START, Right.READ})
    assert await sign_in(good) == Caller("shop", rights_given, GATEWAY, NOW.timestamp())
    assert (await sign_in("s3cret")).rights == frozenset(Right)
    new = key_file.add(ring.path, date(2026, 11, 28), use=True).id
    assert ring.current.id == new
    assert (await sign_in(good)).name == "shop", "a rotation ends no token"
    without = ".".join((*good.split(".")[:2], ""))
    old = token(ring, "shop", HOUR, NOW - LONGEST, audience=GATEWAY)
    deep = b64encode(b"[" * 100_000).decode() + ".e30.x"
    for wrong in ("", "x.y.z", "s3cre", without, old, deep, token(ring, "ana", HOUR, NOW)):
        with pytest.raises(NotSignedIn, match="gateway-token"):
            await sign_in(wrong)
    for why, made in forged(ring, good).items():
        with pytest.raises(NotSignedIn, match="gateway-token"):
            pytest.fail(f"{why}: let in {await sign_in(made)}")
    with pytest.raises(NotSignedIn, match="codec token"):
        signed_in(ring, good)


def forged(ring: KeyRing, good: str) -> dict[str, str]:
    """Give tokens with one thing wrong each: the algorithm, the key, a time, a claim."""
    key, kid = ring.current.derived(b"sign-in"), ring.current.id
    claims = jwt.decode(good, options={"verify_signature": False})
    now = int(datetime.now(UTC).timestamp())  # a long run may come here half an hour after NOW

    def made(
        secret: Any = key, algorithm: str = "HS256", kid: object = kid, **other: object
    ) -> str:
        told = {name: said for name, said in {**claims, **other}.items() if said is not None}
        return jwt.encode(told, secret, algorithm, headers={"kid": kid})

    assert signed_in(ring, made(), GATEWAY).name == "shop", "nothing else is wrong with them"
    return {
        "no algorithm": made(secret=None, algorithm="none"),
        "another algorithm": made(algorithm="HS512"),
        "another key": made(secret=b"k" * 32),
        "a key there is not": made(kid="../../etc/passwd"),
        "not yet": made(nbf=now + 600),
        "made in the future": made(iat=now + 600, exp=now + 900),
        "without an end": made(exp=None),
        "good for ever": made(exp=now + 10**9),
        "an end that is no time": made(exp="soon"),
        "an end beyond all time": made(exp=10**30),
        "several audiences, none ours": made(aud=["braid-codec", "other"]),
        "nobody's": made(sub=None),
    }


async def test_what_somebody_was_given_is_taken_back_until_given_anew(
    ring: KeyRing, tmp_path: Path
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    async with Store.opened(url) as store:
        sign_in = signing_in("", ring, Revocations(store))
        assert sign_in is not None
        shop, desk = (token(ring, who, HOUR, NOW, audience=GATEWAY) for who in ("shop", "desk"))
        await Revocations(store).revoke(CODEC, "shop")
        assert (await sign_in(shop)).name == "shop", "the codec endpoint's are others"
        for _ in range(2):
            await Revocations(store).revoke(GATEWAY, "shop")
        with pytest.raises(NotSignedIn, match="taken back"):
            await sign_in(shop)
        assert (await sign_in(desk)).name == "desk"
        new = token(ring, "shop", HOUR, datetime.now(UTC), audience=GATEWAY)
        assert (await sign_in(new)).name == "shop"


async def test_without_keys_the_secret_alone_counts_and_without_both_anybody(
    ring: KeyRing,
) -> None:
    assert signing_in("", None) is None
    sign_in = signing_in("s3cret", None)
    assert sign_in is not None
    assert (await sign_in("s3cret")).rights == frozenset(Right)
    with pytest.raises(NotSignedIn):
        await sign_in(token(ring, "shop", HOUR, NOW, audience=GATEWAY, rights=Right))


@pytest.mark.parametrize("said", ["", "start,", "write", "start read"])
def test_a_right_there_is_not_is_named(said: str) -> None:
    with pytest.raises(BadInput, match="start,read,send,decide"):
        rights(said)


def asking(app: Starlette, host: str = "127.0.0.1:8090") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=f"http://{host}")


async def test_without_sign_in_no_web_page_is_let_in(tmp_path: Path) -> None:
    """A page that somebody has open reaches loopback, also under a name of its own."""
    async with Store.opened(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}") as store:
        client = Client.__new__(Client)  # is never asked
        begin = Beginning(client, store)
        gateway = create_app(Gateway(client, begin, {}, Attempts(store)), None)
        mails = desk.create_app(
            client, store, example("desks/harbour-tools", SupportDesk), sender=""
        )
        for host in ("127.0.0.1:8090", "localhost", "[::1]:8090"):
            async with asking(gateway, host) as service:
                assert (await service.get("/schemas/announcement")).status_code == 200
        for host, origin in (("evil.example:8090", ""), ("127.0.0.1:8090", "https://evil.example")):
            headers = {"origin": origin} if origin else {}
            for app, path in ((gateway, "/processes/due-diligence"), (mails, "/mails")):
                async with asking(app, host) as page:
                    said = await page.post(path, content="{}", headers=headers)
                assert (said.status_code, "web pages" in said.text) == (403, True), (host, path)


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SLOWEST", 0.01)
    sent = iter([{"type": "http.request", "body": b"{", "more_body": True}])

    async def slow() -> Any:
        return next(sent, None) or await asyncio.Event().wait()

    async def broken() -> Any:
        return {"type": "http.disconnect"}

    for receive, status in ((slow, 408), (broken, 400)):
        with pytest.raises(bodies.NotTaken) as refused:
            await bodies.body(Request({"type": "http"}, receive), 100)
        assert refused.value.status == status
