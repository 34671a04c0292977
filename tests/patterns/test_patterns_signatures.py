"""Signed decisions: what is tampered with, stale, replayed or somebody else's never counts."""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.patterns.gating import decides, level, spec
from tests.patterns.virtual import VirtualLoop, run
from tests.support.signing import claims, new_keys, public, signed, token
from workflows.data.common import Condition, Decision, DeskState, Verdict
from workflows.data.deciders import Keyed, public_key
from workflows.errors import Misuse, Refused
from workflows.patterns.clock import now
from workflows.patterns.desk import Desk
from workflows.patterns.gate import GateSpec
from workflows.patterns.objection import Objection, Why
from workflows.patterns.open_gate import Gate
from workflows.patterns.signatures import Signatures

CASE = "dd-x-1"
KEYS = new_keys("ann", "bob", "cleo", "dan", "eve", "sam", "dora")
SIGNATURES = Signatures(public(KEYS), CASE)
AT = datetime(1970, 1, 2, tzinfo=UTC)
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=\n é"


def gate(
    given: GateSpec,
    judge: Callable[[Gate], Any],
    keys: dict[str, Ed25519PrivateKey] = KEYS,
) -> Any:
    """Open a signed gate and judge it on the loop's clock."""

    async def judged() -> Any:
        return judge(Gate(given, signatures=Signatures(public(keys), CASE)))

    return run(judged())


def by(name: str, at: Gate, keys: dict[str, Ed25519PrivateKey] = KEYS, /, **more: Any) -> Decision:
    """Decide with a token that is right, but for the claims given as `claim_...`."""
    other = {k.removeprefix("claim_"): more.pop(k) for k in list(more) if k.startswith("claim_")}
    return signed(decides(name, **more), keys[name], CASE, at.opened, at.opened, **other)


def why(objection: Objection | None) -> Why | None:
    return objection.why if objection is not None else None


def test_a_signed_decision_counts_and_an_unsigned_one_does_not() -> None:
    def judge(at: Gate) -> None:
        assert at.view().signed
        assert why(at.refuse(decides("ann"))) is Why.UNSIGNED
        said = by("ann", at, comment="fine", limit="100")
        assert at.refuse(said) is None
        assert at.take(said).signed
        assert at.decisions[0].token == said.token, "the proof is kept"
        assert said.token is not None
        assert said.token not in repr(said)

    gate(spec("analyst"), judge)


def test_without_keys_a_token_is_no_proof() -> None:
    async def judge() -> None:
        at = Gate(spec("analyst"))
        answer = at.take(decides("ann", token="a.b.c"))
        assert not answer.signed
        assert at.decisions[0].token is None

    run(judge())


SAID = decides("ann", comment="é fine", limit="100")
RIGHT = token(KEYS["ann"], claims(SAID, CASE, AT, AT))


def judged(said: Decision, at: datetime = AT) -> Why | None:
    """Judge a decision as at a gate that opened at AT."""

    async def judge() -> Why | None:
        await asyncio.sleep(at.timestamp())
        return why(SIGNATURES.object(said, AT, ()))

    with closing(VirtualLoop()) as loop:  # as `run`, but quick: hundreds of judgements
        return loop.run_until_complete(judge())


def with_token(made: str) -> Decision:
    return SAID.model_copy(update={"token": made})


def test_the_token_these_tests_tamper_with_is_right() -> None:
    assert judged(with_token(RIGHT)) is None


@given(place=st.integers(0, len(RIGHT) - 1), letter=st.sampled_from(ALPHABET))
def test_a_token_with_any_letter_changed_is_refused(place: int, letter: str) -> None:
    for made in (
        RIGHT[:place] + letter + RIGHT[place + 1 :],
        RIGHT[:place] + letter + RIGHT[place:],
        RIGHT[:place] + RIGHT[place + 1 :],
    ):
        if made != RIGHT:
            assert SIGNATURES.object(with_token(made), AT, ()) is not None


OTHER = {
    "aud": st.text(min_size=1),
    "sub": st.sampled_from(["bob", "cleo"]),
    "gate": st.text(),
    "opened": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    "decision": st.binary(min_size=32, max_size=32).map(bytes.hex),
    "exp": st.integers(-(10**12), 10**12),
    "iat": st.integers(-(10**12), 10**12) | st.floats(),
    "jti": st.text(max_size=15),
    "role": st.just(""),
    "nbf": st.integers(),
}


@given(data=st.data(), name=st.sampled_from(sorted(OTHER)))
def test_a_token_that_says_anything_else_is_refused_though_signed(
    data: st.DataObject, name: str
) -> None:
    told = claims(SAID, CASE, AT, AT)
    value = data.draw(OTHER[name])
    if name in ("iat", "exp"):
        right = told["exp"] - 900 <= value <= told["exp"] if name == "iat" else False
        right = right or (name == "exp" and 0 < value - told["iat"] <= 900)
        if right:
            return
    if value != told.get(name):
        assert judged(with_token(token(KEYS["ann"], told | {name: value}))) is not None


def test_a_decision_too_deep_to_hash_is_refused() -> None:
    value: Any = []
    for _ in range(5_000):
        value = [value]
    assert judged(with_token(RIGHT).model_copy(update={"value": value})) is Why.FORGED


CHANGES: tuple[dict[str, Any], ...] = (
    {"verdict": Verdict.DECLINE},
    {"by": "bob"},
    {"gate": "other"},
    {"comment": "fine"},
    {"conditions": ()},
    {"conditions": (Condition(code="LIMIT", value="1000"),)},
    {"value": ""},
    {"value": {}},
    {"stands_for": "bob"},
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: next(iter(c)))
def test_a_token_of_another_decision_is_refused(change: dict[str, Any]) -> None:
    said = with_token(RIGHT).model_copy(update=change)
    assert judged(said) in (Why.ELSEWHERE, Why.FORGED)


def unsigned_header(told: dict[str, Any]) -> str:
    """Write a token of the algorithm "none"."""
    parts = [{"alg": "none", "typ": "braid-decision+jwt"}, told]
    texts = (base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)
    return ".".join(texts) + "."


def nested() -> str:
    """Write a header that a reader of JSON cannot follow down."""
    head = base64.urlsafe_b64encode(b'{"a":' + b"[" * 1400).decode().rstrip("=")
    return f"{head}.{RIGHT.split('.', 1)[1]}"


def forged() -> dict[str, str]:
    told = claims(SAID, CASE, AT, AT)
    pem = (
        KEYS["ann"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    secret = base64.urlsafe_b64encode(pem).decode()
    return {
        "another key": token(KEYS["bob"], told),
        "no algorithm": unsigned_header(told),
        "the public key as a secret": token(secret, told, "HS256"),
        "another curve": token(Ed448PrivateKey.generate(), told),
        "another purpose": token(KEYS["ann"], told, typ="JWT"),
        "a critical header": token(KEYS["ann"], told, crit=["b64"], b64=False),
        "no object": jwt.PyJWS().encode(b"[]", KEYS["ann"], "EdDSA", {"typ": "braid-decision+jwt"}),
        "nested deeply": nested(),
        "the year 30,000": token(KEYS["ann"], told | {"iat": 9 * 10**11, "exp": 9 * 10**11 + 1}),
        "too long": token(KEYS["ann"], told, kid="k" * 4000),
        "empty": "",
        "words": "let me in",
    }


@pytest.mark.parametrize("kind", sorted(forged()))
def test_a_forged_token_is_refused(kind: str) -> None:
    assert judged(with_token(forged()[kind])) in (Why.FORGED, Why.UNSIGNED)


def test_a_token_lasts_from_its_signing_to_its_expiry_and_no_longer() -> None:
    second = timedelta(seconds=1)
    assert judged(with_token(RIGHT), AT + 300 * second - second) is None
    assert judged(with_token(RIGHT), AT + 300 * second) is Why.EXPIRED
    assert judged(with_token(RIGHT), AT - 60 * second) is None, "clocks differ"
    assert judged(with_token(RIGHT), AT - 61 * second) is Why.EXPIRED
    long = claims(SAID, CASE, AT, AT, exp=int(AT.timestamp()) + 901)
    assert judged(with_token(token(KEYS["ann"], long))) is Why.FORGED


def test_a_token_counts_once_and_only_at_its_opening_of_the_gate() -> None:
    async def work() -> None:
        desk = Desk(signatures=SIGNATURES)
        two = spec("anybody anybody")

        def said(name: str) -> Decision:
            [view] = desk.views()
            return signed(decides(name), KEYS[name], CASE, view.opened, now())

        waiting = asyncio.ensure_future(desk.open(two))
        await asyncio.sleep(1)
        first = said("ann")
        desk.take(first)
        assert why(desk.refuse(first)) is Why.REPLAYED
        jti = claims_of(first)["jti"]
        [view] = desk.views()
        again = signed(decides("bob"), KEYS["bob"], CASE, view.opened, now(), jti=jti)
        assert why(desk.refuse(again)) is Why.REPLAYED
        carried = Desk(desk.state(), signatures=SIGNATURES)
        assert why(carried.refuse(first)) is Why.REPLAYED, "also before its gate reopened"
        assert why(carried.refuse(decides("bob"))) is Why.UNSIGNED
        second = said("bob")
        desk.take(second)
        assert why(desk.refuse(second)) is Why.TOO_LATE
        await waiting
        waiting = asyncio.ensure_future(desk.open(two))
        await asyncio.sleep(1)
        assert why(desk.refuse(first)) is Why.ELSEWHERE, "the gate opened again since"
        with pytest.raises(Refused) as caught:
            desk.take(first)
        assert caught.value.details == ({"why": "elsewhere", "gate": "review"},)
        waiting.cancel()

    run(work())


def claims_of(said: Decision) -> dict[str, Any]:
    assert said.token is not None
    told: dict[str, Any] = jwt.decode(said.token, options={"verify_signature": False})
    return told


def test_a_desk_without_its_gates_carries_their_signatures() -> None:
    desk = Desk(DeskState(), signatures=SIGNATURES)
    assert why(desk.refuse(decides("ann"))) is Why.NO_GATE


def test_the_role_signed_for_is_the_one_that_counts() -> None:
    """bob is analyst and senior, and says as which he decides."""

    def judge(at: Gate) -> None:
        assert why(at.refuse(by("ann", at, claim_role="senior"))) is Why.WRONG_ROLE
        assert why(at.refuse(by("bob", at, claim_role="compliance"))) is Why.WRONG_ROLE
        at.take(by("bob", at, claim_role="analyst"))
        assert at.still_needed() == ("senior",)
        assert why(at.refuse(by("ann", at))) is Why.WRONG_ROLE
        assert at.take(by("dan", at, claim_role="senior")).settled

    gate(spec("analyst senior"), judge)


def test_a_role_that_would_leave_the_rest_to_nobody_is_refused() -> None:
    def judge(at: Gate) -> None:
        said = at.refuse(by("bob", at, claim_role="analyst"))
        assert why(said) is Why.SEAT_TAKEN
        assert at.refuse(by("bob", at)) is None

    gate(spec("analyst senior", people={"ann": "analyst", "bob": "analyst senior"}), judge)


def test_one_key_is_one_person_whatever_the_name() -> None:
    """Neither a second name nor the author's other one, nor a deputy's, makes a second person."""
    keys = KEYS | {"eve": KEYS["ann"], "dan": KEYS["sam"], "dora": KEYS["ann"]}

    def judge(at: Gate) -> None:
        assert at.may_decide() == ("ann", "bob", "cleo", "eve", "dora")
        assert why(at.refuse(by("dan", at, keys))) is Why.FOUR_EYES
        at.take(by("ann", at, keys))
        refused = at.refuse(by("eve", at, keys))
        assert why(refused) is Why.SEAT_TAKEN
        assert "as ann, with the same key" in str(refused)
        assert why(at.refuse(by("dora", at, keys, stands_for="cleo"))) is Why.SEAT_TAKEN
        assert at.may_decide() == ("bob", "cleo")
        assert at.take(by("cleo", at, keys)).settled

    gate(spec("anybody anybody", excluded="sam", deputies={"cleo": "dora"}), judge, keys)


def test_who_is_asked_only_later_and_whose_key_is_not_named() -> None:
    def judge(at: Gate) -> None:
        assert why(at.refuse(by("sam", at))) is Why.TOO_EARLY
        stranger = {"mona": KEYS["eve"]}
        assert why(at.refuse(by("mona", at, stranger))) is Why.STRANGER

    gate(spec("analyst", escalation=(level(1, sam="analyst"),)), judge)


def test_a_gate_that_signed_decisions_could_never_settle_is_refused_when_opened() -> None:
    for keys in ({"ann": KEYS["ann"], "bob": KEYS["ann"]}, {"ann": KEYS["ann"]}):
        with pytest.raises(Misuse, match="can never be settled by signed decisions"):
            gate(spec("anybody anybody", people={"ann": "", "bob": ""}), str, keys)


class Two(Keyed):
    people: tuple[str, ...] = ("ann", "bob")

    def deciders(self) -> tuple[str, ...]:
        return self.people


def test_keys_are_read_in_three_forms_and_are_one_key() -> None:
    x = public(KEYS)["ann"]
    pem = (
        KEYS["ann"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "1", "use": "sig"}
    assert {public_key(v) for v in (x, pem.decode(), jwk, json.dumps(jwk))} == {x}
    case = Two.model_validate({"keys": {"ann": jwk, "bob": pem.decode()}})
    assert (case.person("bob"), case.person("eve")) == ("ann", "eve")
    assert Two().model_dump() == {"people": ("ann", "bob")}, "without keys nothing is on the wire"


PRIVATE = (
    KEYS["ann"]
    .private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    .decode()
)
X = public(KEYS)["ann"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (PRIVATE, "is a private key"),
        ({"kty": "OKP", "crv": "Ed25519", "x": X, "d": X}, "is a private key"),
        ({"kty": "OKP", "crv": "Ed448", "x": X}, "no Ed25519 key"),
        ({"kty": "OKP", "crv": "Ed25519"}, "no Ed25519 public key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no PEM of a public key"),
        ("{half", "no JSON"),
        (X[:-1], "no Ed25519 public key"),
        (X + "=", "no Ed25519 public key"),
        (X[:-1] + ("B" if X[-1] != "B" else "C"), "no Ed25519 public key"),
        (7, "no Ed25519 public key"),
        ("é" * 43, "no Ed25519 public key"),
    ],
    ids=map(str, range(11)),  # keys are drawn: names of their own would differ between processes
)
def test_what_is_no_public_key_is_refused_and_never_shown(given: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Two.model_validate({"keys": {"ann": given, "bob": X}})
    [error] = caught.value.errors(include_input=False, include_url=False)
    assert said in error["msg"]
    assert "PRIVATE" not in error["msg"]


def test_everybody_who_may_decide_needs_a_key() -> None:
    with pytest.raises(ValidationError, match="none of bob, who may decide"):
        Two.model_validate({"keys": {"ann": X}})
