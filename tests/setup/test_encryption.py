"""The key ring, the payload codec and the sign-in of the codec endpoint."""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import DefaultFailureConverterWithEncodedAttributes
from temporalio.exceptions import ApplicationError

from runtime import key_file, keys
from runtime.codec_server import MOST_BYTES, create_app
from runtime.conversion import DATA_CONVERTER
from runtime.documents import clear, kept_at
from runtime.encryption import KEY_ID, REPEATABLE, Encryption, codec_for
from runtime.keys import KeyRing, MissingKey
from runtime.opening import opened
from runtime.settings import Settings, SettingsError
from runtime.tokens import CODEC, LONGEST, token
from runtime.unopened import Guarded, Unread, handing
from store.blobs import Blobs
from store.database import Store
from store.revocations import Revocations
from workflows.data.common import UNREAD

TODAY = date(2026, 11, 27)
NOW = datetime.now(UTC)
UI = "https://temporal.example"
TO_PAYLOAD = DATA_CONVERTER.payload_converter.to_payload


@pytest.fixture
def path(tmp_path: Path) -> Path:
    key_file.new(tmp_path / "keys.json", TODAY)
    return tmp_path / "keys.json"


@pytest.fixture
def codec(path: Path) -> Encryption:
    return Encryption(KeyRing(path), writes=True)


@given(content=st.binary(max_size=200), large=st.booleans())
def test_content_comes_back_and_only_large_content_is_sealed_the_same_twice(
    content: bytes, large: bool
) -> None:
    key = keys.Key("k1", "2026-11-27", b"s" * keys.SECRET)
    codec = Encryption(Ring(key), writes=True)  # type: ignore[arg-type]
    payload = Payload(
        metadata={"encoding": b"binary/plain"}, data=content * (1 + REPEATABLE * large)
    )
    sealed = codec.sealed(payload)
    assert codec.opened(sealed) == payload
    assert sealed.metadata[KEY_ID] == b"k1"
    assert codec.sealed(sealed) is sealed, "a signal told on is not sealed twice"
    assert codec.opened(payload) is payload, "clear input is accepted"
    again = codec.sealed(payload) == sealed
    assert again == (len(payload.SerializeToString()) >= REPEATABLE)


class Ring:
    """A ring without a file."""

    def __init__(self, key: keys.Key) -> None:
        self.current = key

    def key(self, name: str) -> keys.Key:
        return {self.current.id: self.current}[name]


def test_what_was_changed_on_its_way_is_refused_for_good(codec: Encryption) -> None:
    sealed = codec.sealed(TO_PAYLOAD("approve"))
    for place in range(len(sealed.data)):
        spoilt = Payload.FromString(sealed.SerializeToString())
        spoilt.data = bytes(b ^ (place == n) for n, b in enumerate(sealed.data))
        with pytest.raises(ApplicationError, match="changed on its way") as refused:
            DATA_CONVERTER.payload_converter.from_payload(codec.opened(spoilt), str)
        assert refused.value.non_retryable
    spoilt.data = b"short"
    assert codec.opened(spoilt).metadata["encoding"] == b"binary/spoilt"


def test_a_rotation_is_noticed_and_an_old_key_opens_until_it_is_dropped(
    path: Path, codec: Encryption
) -> None:
    payload = TO_PAYLOAD("a name")
    old = codec.sealed(payload)
    later = key_file.add(path, TODAY, use=False)
    assert codec.sealed(payload).metadata[KEY_ID] == old.metadata[KEY_ID]
    key_file.turn_to(path, later.id)
    assert codec.sealed(payload).metadata[KEY_ID] == later.id.encode()
    assert codec.opened(old) == payload
    first = old.metadata[KEY_ID].decode()
    with pytest.raises(SettingsError, match="rotate first"):
        key_file.drop(path, later.id)
    key_file.drop(path, first)
    assert codec.opened(codec.sealed(payload)) == payload, "it has seen the file changed"
    with pytest.raises(MissingKey, match=first):
        codec.opened(old)
    with pytest.raises(MissingKey, match=f"{first}.*no key ring here.*BRAID_KEYS_FILE"):
        Encryption(None, writes=False).opened(old)


def test_a_ring_is_private_whole_and_made_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert "secret" not in repr(KeyRing(path).current)
    with pytest.raises(SettingsError, match="there is a key ring already"):
        key_file.new(path, TODAY)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match=f"others may read these keys .640.; chmod 600 {path}"):
        KeyRing(path)
    monkeypatch.setattr(keys, "MOUNTED", (path.parent,))
    told, ring = json.loads(path.read_text()), KeyRing(path)
    for spoilt in ("", "[]", json.dumps({**told, "keys": {"k": {"made": "", "secret": "YQ=="}}})):
        path.write_text(spoilt)
        with pytest.raises(SettingsError, match="is no key ring"):
            KeyRing(path)
        assert ring.current, "who has read it goes on with what was read"


def test_a_service_not_ours_gets_nothing_in_clear_unless_told(path: Path, tmp_path: Path) -> None:
    without, with_keys = Settings(data=tmp_path / "none"), Settings(data=path.parent)
    with pytest.raises(SettingsError, match=r"`starter.py keys new`.*BRAID_ENCRYPTION=off"):
        codec_for(without, embedded=False)
    off = Settings.from_env({"BRAID_ENCRYPTION": "off", "BRAID_KEYS_FILE": str(path)})
    sealed = codec_for(with_keys, embedded=False).sealed(TO_PAYLOAD("x"))
    assert sealed.metadata[KEY_ID]
    for reads in (codec_for(off, embedded=False), codec_for(with_keys, embedded=True)):
        assert not reads.writes
        assert reads.opened(sealed) == TO_PAYLOAD("x")
    assert codec_for(without, embedded=True).ring is None
    missing = Settings.from_env({"BRAID_KEYS_FILE": str(tmp_path / "gone.json")})
    with pytest.raises(SettingsError, match=r"gone\.json: there is no such key ring"):
        codec_for(missing, embedded=True)


async def test_a_history_is_opened_with_what_its_failures_said(codec: Encryption) -> None:
    event = HistoryEvent()
    failed = event.activity_task_failed_event_attributes.failure
    error = ApplicationError("ana@example.com is unknown", "details", type="Unknown")
    error.__cause__ = ValueError("of Ana")
    converter = DefaultFailureConverterWithEncodedAttributes()
    converter.to_failure(error, DATA_CONVERTER.payload_converter, failed)
    await codec.encode_failure(failed)
    event.user_metadata.summary.CopyFrom(codec.sealed(TO_PAYLOAD("sanctions: search")))
    raw = event.SerializeToString()
    assert b"Ana" not in raw
    assert b"ana@example.com" not in raw
    [told] = opened([event], codec)
    said = told.activity_task_failed_event_attributes.failure
    assert (said.message, said.cause.message) == ("ana@example.com is unknown", "of Ana")
    assert said.application_failure_info.details.payloads[0] == TO_PAYLOAD("details")
    assert told.user_metadata.summary == TO_PAYLOAD("sanctions: search")
    assert event.SerializeToString() == raw, "what was given is left as it is"


class Noting:
    """An instance that notes what it is told, and gives no command."""

    def __init__(self) -> None:
        self.told: list[tuple[bool, bool]] = []

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Note of each signal whether it is refused, and whether it has a value."""
        signals = [job.signal_workflow for job in act.jobs if job.HasField("signal_workflow")]
        self.told += [(UNREAD in one.headers, bool(one.input)) for one in signals]
        completion = WorkflowActivationCompletion()
        completion.successful.SetInParent()
        return completion


def activation(replaying: bool, *payloads: Payload, marker: str = "") -> WorkflowActivation:
    """Bring a signal with each of the payloads."""
    act = WorkflowActivation(is_replaying=replaying)
    for payload in payloads:
        act.jobs.add().signal_workflow.input.append(payload)
    if marker:
        act.jobs.add().notify_has_patch.patch_id = marker
    return act


async def test_a_message_without_its_key_is_refused_for_good_and_all_else_is_waited_for(
    tmp_path: Path, codec: Encryption
) -> None:
    key_file.new(tmp_path / "strange.json", TODAY)
    strange = Encryption(KeyRing(tmp_path / "strange.json"), writes=True)
    converter = replace(DATA_CONVERTER, payload_codec=codec)
    reading = handing(converter).payload_codec
    assert reading is not None
    sent = [strange.sealed(TO_PAYLOAD("decline")), codec.sealed(TO_PAYLOAD("approve"))]
    unread, known = await reading.decode(sent)
    assert known == TO_PAYLOAD("approve")

    live = Noting()
    done = Guarded(live).activate(activation(False, known, unread, known))
    assert live.told == [(False, True), (True, False), (False, True)]
    [command] = done.successful.commands
    marker = command.set_patch_marker.patch_id
    assert marker == f"{UNREAD}-2"
    later = Noting()
    again = Guarded(later).activate(activation(True, known, known, known, marker=marker))
    assert later.told == live.told, "also when the key is there now"
    assert again.successful.commands == done.successful.commands

    taken, result, accepted, asked = (Guarded(Noting()) for _ in range(4))
    with pytest.raises(Unread, match=r"cannot be read: .*keys\.json"):
        taken.activate(activation(True, unread))  # when the key was there
    act = WorkflowActivation()
    act.jobs.add().resolve_activity.result.completed.result.CopyFrom(unread)
    with pytest.raises(Unread):
        result.activate(act)
    act = WorkflowActivation()
    act.jobs.add().do_update.input.append(unread)
    with pytest.raises(Unread):
        accepted.activate(act)
    act.jobs[0].do_update.run_validator = True
    assert asked.activate(act).HasField("successful")
    with pytest.raises(ApplicationError, match="or what it refers to, is not here") as refused:
        converter.payload_converter.from_payload(unread, str)
    assert not refused.value.non_retryable, "an activity is tried until the key is there"


async def test_a_document_named_in_an_encrypted_payload_is_not_collected(
    tmp_path: Path, codec: Encryption
) -> None:
    day = [datetime(2026, 11, 1, tzinfo=UTC)]
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    store = await Store.open(url, clock=lambda: day[0])
    try:
        blobs = Blobs(store)
        document = await blobs.put(b"a document")
        sealed = codec.sealed(TO_PAYLOAD({"sha256": document}))
        reply = await blobs.put(sealed.SerializeToString())
        day[0] += timedelta(days=9)
        opening = lambda content: clear(content, codec)  # noqa: E731
        found = await blobs.collect(timedelta(days=1), in_use={reply}, clear=opening)
        assert found.blobs == 0
        assert await blobs.get(document) == b"a document"
    finally:
        await store.close()


@contextmanager
def asking(app: Starlette) -> Iterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    yield httpx.AsyncClient(transport=transport, base_url="https://codec.example")


async def test_only_who_signed_in_and_only_pages_allowed_see_clear_text(
    tmp_path: Path, codec: Encryption
) -> None:
    assert codec.ring is not None
    app = create_app(kept_at(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"), (UI,), codec)
    sealed = codec.sealed(TO_PAYLOAD("a name"))
    body = {"payloads": [json.loads(_json(sealed))]}
    good = token(codec.ring, "ana", timedelta(hours=1), NOW)
    key_file.new(tmp_path / "other.json", TODAY)
    other = KeyRing(tmp_path / "other.json")
    refused = {
        "nothing": "",
        "no token": "Bearer x.y.z",
        "expired": f"Bearer {token(codec.ring, 'ana', timedelta(minutes=5), NOW - LONGEST)}",
        "another ring's": f"Bearer {token(other, 'ana', timedelta(minutes=5), NOW)}",
        "not a bearer's": f"Basic {good}",
        "without signature": "Bearer " + ".".join((*good.split(".")[:2], "")),
    }
    with asking(app) as http:
        for why, header in refused.items():
            answer = await http.post("/decode", json=body, headers={"Authorization": header})
            assert answer.status_code == 401, why
            assert "starter.py codec token" in answer.json()["error"]
        bearer = {"Authorization": f"Bearer {good}"}
        answer = await http.post("/decode", json=body, headers={**bearer, "Origin": UI})
        assert answer.headers["access-control-allow-origin"] == UI
        assert _clear(answer) == "a name"
        foreign = {**bearer, "Origin": "https://evil.example"}
        assert (await http.post("/decode", json=body, headers=foreign)).status_code == 403
        back = await http.post("/encode", json={"payloads": [_plain("b")]}, headers=bearer)
        assert _clear(await http.post("/decode", json=back.json(), headers=bearer)) == "b"
        for wrong in (b"{", b"\xff", b"[" * 100_000, b" " * (MOST_BYTES + 1)):
            assert (await http.post("/decode", content=wrong, headers=bearer)).status_code == 400
        assert (await http.post("/sign-in", data={"token": "x"})).status_code == 401
        assert (await http.post("/decode", json=body)).status_code == 401
        assert (await http.post("/sign-in", data={"token": good})).status_code == 200
        assert _clear(await http.post("/decode", json=body)) == "a name", "by cookie"
        proxied = await http.post("http://codec.internal/sign-in", data={"token": good})
        assert "Secure" in proxied.headers["set-cookie"], "its pages are of TLS"
        large = await http.post("/sign-in", content=b"a&" * 5_000 + f"token={good}".encode())
        assert large.status_code == 401, "anybody may send one, so it is small"
        async with Store.opened(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}") as store:
            await Revocations(store).revoke(CODEC, "ana")
        again = await http.post("/decode", json=body, headers=bearer)
        assert (again.status_code, "taken back" in again.text) == (401, True)
        assert (await http.post("/sign-in", data={"token": good})).status_code == 401


def _json(payload: Payload) -> str:
    return json_format.MessageToJson(payload)


def _plain(value: str) -> Any:
    return json.loads(_json(TO_PAYLOAD(value)))


def _clear(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return json.loads(b64decode(answer.json()["payloads"][0]["data"]))
