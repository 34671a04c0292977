"""Accounts, mail, referees and chat over HTTP; what survives a restart."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiosmtplib
import httpx
import pytest

from simulator.app import create_app
from simulator.brain.documents import ReferenceDocuments
from simulator.brain.rules import reference
from simulator.config import Signaller, SimulatorConfig
from simulator.effects.records import Mail, ReplyTo
from simulator.effects.referees import SIX_DAYS, delay, referee_for
from simulator.server import running, serving
from simulator.state import StateFile
from tests.simulator.world import FAST, Simulate
from workflows.data.due_diligence import ReferenceReply

pytestmark = pytest.mark.server


async def order(
    client: httpx.AsyncClient, key: str, action: str, **fields: object
) -> httpx.Response:
    body = {"action": action, "case": "acme", **fields}
    return await client.post("/accounts/orders", json=body, headers={"Idempotency-Key": key})


def mail(to: str, party: str | None = "ref-1") -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"], message["To"], message["Subject"] = f"<m-{to}>", to, "Reference"
    if party:
        message["X-Braid-Workflow"], message["X-Braid-Signal"] = "case-1", "reference_reply"
        message["X-Braid-Party"] = party
    message.set_content("Please tell us about our customer.")
    return message


@dataclass
class Office:
    """A simulator of one's own, over HTTP and by mail."""

    http: httpx.AsyncClient
    smtp: str

    async def send(self, message: EmailMessage) -> aiosmtplib.SMTPResponse:
        where = urlsplit(self.smtp)
        client = aiosmtplib.SMTP(
            hostname=where.hostname,
            port=where.port,
            local_hostname="localhost",  # else it asks name servers
            start_tls=False,
            timeout=60,
        )
        try:
            await client.connect()
            await client.mail("us@braid.example")
            await client.rcpt(str(message["To"]))
            return await client.data(message.as_bytes())
        finally:
            client.close()  # a goodbye in order would wait for an answer under way

    async def book(self) -> dict[str, Any]:
        book: dict[str, Any] = (await self.http.get("/_simulator/book")).json()
        return book


@asynccontextmanager
async def office(
    config: SimulatorConfig | None = None, signal: Signaller | None = None
) -> AsyncIterator[Office]:
    app = create_app(config or quick(), signal)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
        yield Office(http, app.state.smtp)


def a_mail(to: str, party: str = "ref-1", id: str = "m") -> Mail:
    reply = ReplyTo(workflow_id="case-1", signal="reference_reply", party_id=party)
    return Mail(message_id=id, to=to, subject="Reference", body="Please tell us.", reply=reply)


# ---- accounts ------------------------------------------------------------------------------


async def test_the_same_key_is_performed_once(client: httpx.AsyncClient) -> None:
    first = await order(client, "k1", "create_customer", customer_name="Acme")
    again = await order(client, "k1", "create_customer", customer_name="Acme")
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    effects = (await client.get("/_simulator/book")).json()["effects"]
    assert effects == {
        "total": 1,
        "by_key": {"k1": 2},
        "by_action": {"acme/create_customer": 1},
    }


async def test_the_same_key_with_another_body_is_a_conflict(client: httpx.AsyncClient) -> None:
    await order(client, "k1", "create_customer", customer_name="Acme")
    assert (await order(client, "k1", "create_customer", customer_name="B")).status_code == 409
    shown = (await client.get("/accounts/customers/acme")).json()
    assert shown["name"] == "Acme"


async def test_an_order_needs_a_key_and_a_known_form(client: httpx.AsyncClient) -> None:
    body = {"action": "create_customer", "case": "acme", "customer_name": "Acme"}
    assert (await client.post("/accounts/orders", json=body)).status_code == 400
    assert (await order(client, "k", "burn_customer")).status_code == 422
    assert (await order(client, "k", "create_customer", colour="red")).status_code == 422


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("create_customer", {}),
        ("open_account", {}),
        ("enrol_monitoring", {}),
        ("set_limit", {"limit": "100", "currency": "EUR"}),
        ("set_limit", {"limit": "100"}),
    ],
)
async def test_impossible_orders_are_refused_and_may_be_mended(
    client: httpx.AsyncClient, action: str, fields: dict[str, object]
) -> None:
    assert (await order(client, "k9", action, **fields)).status_code == 422
    assert (await client.get("/_simulator/book")).json()["effects"]["total"] == 0
    await order(client, "k1", "create_customer", customer_name="Acme")
    await order(client, "k2", "open_account")
    mended = {"limit": "5", "currency": "EUR", "customer_name": "Acme"}
    assert (await order(client, "k9", action, **mended)).status_code == 200


async def test_a_customer_is_built_up_and_taken_down(client: httpx.AsyncClient) -> None:
    await order(client, "1", "create_customer", customer_name="Acme")
    await order(client, "2", "open_account")
    await order(client, "3", "set_limit", limit="50000", currency="EUR")
    await order(client, "4", "enrol_monitoring")
    shown = (await client.get("/accounts/customers/acme")).json()
    assert (shown["limit"], shown["currency"]) == ("50000", "EUR")
    assert shown["customer"] and shown["account"] and shown["monitoring"]  # noqa: PT018
    assert (await order(client, "5", "delete_customer")).status_code == 422, "account still open"
    for key, action in enumerate(["leave_monitoring", "clear_limit", "close_account"], 6):
        assert (await order(client, str(key), action)).status_code == 200
    assert (await order(client, "9", "delete_customer")).status_code == 200
    assert (await client.get("/accounts/customers/acme")).status_code == 404


@pytest.mark.parametrize(
    "action", ["leave_monitoring", "clear_limit", "close_account", "delete_customer"]
)
async def test_undoing_what_is_not_there_succeeds(client: httpx.AsyncClient, action: str) -> None:
    assert (await order(client, "u", action)).status_code == 200


# ---- mail and chat -------------------------------------------------------------------------


async def test_a_mail_sent_twice_is_two_mails() -> None:
    async with office() as here:
        first = await here.send(mail("prompt@acme.example"))
        again = await here.send(mail("prompt@acme.example"))
        assert (first.code, again.code) == (250, 250)
        assert first.message != again.message
        mails = (await here.book())["mails"]
    assert [m["to"] for m in mails] == ["prompt@acme.example"] * 2
    assert not any("body" in m for m in mails)


async def test_a_mail_that_does_not_fit_is_refused() -> None:
    async with office() as here:
        nameless = mail("a@acme.example")
        del nameless["Message-ID"]
        for one, said in (
            (nameless, "Message-ID"),
            (mail("a@acme.example", party="No Party!"), "pattern"),
        ):
            with pytest.raises(aiosmtplib.SMTPDataError, match=said):
                await here.send(one)
        with pytest.raises(aiosmtplib.SMTPDataError, match="pattern"):
            await here.send(mail("no-address"))
        assert (await here.book())["mails"] == []


async def test_the_chat_counts_messages(client: httpx.AsyncClient) -> None:
    good = await client.post("/chat/webhook", json={"text": "case open", "channel": "reviews"})
    assert good.json() == {"ok": True}
    assert (await client.post("/chat/webhook", json={"words": "x"})).status_code == 422
    assert (await client.get("/_simulator/book")).json()["chats"] == 1


# ---- referees ------------------------------------------------------------------------------


@dataclass
class Recorder:
    """A signaller that keeps what it was given; the first `failures` signals fail."""

    failures: int = 0
    tried: int = 0
    heard: asyncio.Queue[tuple[str, str, ReferenceReply]] = field(default_factory=asyncio.Queue)
    gave_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, workflow_id: str, signal: str, reply: ReferenceReply) -> None:
        self.tried += 1
        if self.tried <= self.failures:
            if self.tried == self.failures:
                self.gave_up.set()
            raise ConnectionError("no server")
        await self.heard.put((workflow_id, signal, reply))

    async def next(self) -> tuple[str, str, ReferenceReply]:
        return await asyncio.wait_for(self.heard.get(), timeout=60)


def quick(state: Path | None = None, attempts: int = 4) -> SimulatorConfig:
    return SimulatorConfig(speed=1e9, state=state, signal_attempts=attempts, signal_pause=0.001)


async def test_a_referee_answers_by_signal() -> None:
    recorder = Recorder()
    async with office(signal=recorder) as here:
        for one in (
            mail("silent@a.example"),
            mail("someone@elsewhere.org"),
            mail("late@a.example", party=None),
            mail("late@a.example", party="ref-2"),
        ):
            await here.send(one)
        workflow, signal, reply = await recorder.next()
        assert (workflow, signal, reply.party_id) == ("case-1", "reference_reply", "ref-2")
        assert "20 days beyond terms" in reply.text
        await here.send(mail("prompt@a.example", party="ref-3"))
        assert (await recorder.next())[2].party_id == "ref-3"
    assert recorder.heard.empty(), "silent ones, strangers and mails without reply stay silent"


async def test_a_signal_that_fails_is_tried_again() -> None:
    recorder = Recorder(failures=3)
    async with office(signal=recorder) as here:
        await here.send(mail("prompt@a.example"))
        assert (await recorder.next())[0] == "case-1"
    assert recorder.tried == 4


async def test_a_signal_that_keeps_failing_is_dropped(tmp_path: Path) -> None:
    recorder = Recorder(failures=2)
    state = tmp_path / "state.jsonl"
    async with office(quick(state, attempts=2), recorder) as here:
        await here.send(mail("prompt@a.example"))
        await asyncio.wait_for(recorder.gave_up.wait(), timeout=60)
        await here.send(mail("prompt@b.example", party="ref-2"))
        assert (await recorder.next())[2].party_id == "ref-2", "the dropped one never arrives"
    assert recorder.tried == 3
    async with running(quick(state, attempts=2), recorder):
        assert recorder.heard.empty(), "a dropped one is not taken up again"
    assert recorder.tried == 3


@pytest.mark.parametrize(
    ("word", "conclusive", "favourable", "days"),
    [
        ("prompt", True, True, 0),
        ("anything", True, True, 0),
        ("late", True, True, 20),
        ("vague", False, False, None),
        ("bad", True, False, 95),
        ("slow", True, True, 0),
    ],
)
def test_the_brain_reads_what_referees_write(
    word: str, conclusive: bool, favourable: bool, days: int | None
) -> None:
    referee = referee_for(a_mail(f"{word}.smith+1@bank.example"))
    assert referee is not None
    reading = reference(ReferenceDocuments(reply=referee.text))
    got = (reading.conclusive, reading.favourable, reading.days_beyond_terms)
    assert got == (conclusive, favourable, days)


def test_delays_are_repeatable_and_in_range() -> None:
    """At speed 1 nine in ten referees answer within 8 to 40 seconds."""
    draws = []
    for number in range(400):
        one = a_mail("prompt@a.example", id=str(number))
        referee = referee_for(one)
        assert referee is not None
        draws.append(delay(referee, one, seed=7, speed=1))
        assert delay(referee, one, seed=7, speed=4) == draws[-1] / 4
    inside = sum(8 <= draw <= 40 for draw in draws)
    print("seed 7, inside:", inside, "of 400")
    assert 336 <= inside <= 384, "360 expected, four standard deviations of 6"
    slow = a_mail("slow@a.example")
    referee = referee_for(slow)
    assert referee is not None
    assert delay(referee, slow, seed=7, speed=1) == SIX_DAYS


# ---- restart -------------------------------------------------------------------------------


async def test_orders_and_pending_replies_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    async with office(SimulatorConfig(speed=0.001, state=state), Recorder()) as here:
        await asyncio.wait_for(_fill(here), timeout=60)
    due = re.sub(r'"due":[0-9.]+', '"due":1.0', state.read_text())
    state.write_text(due + '{"kind":"order","cut off')
    recorder = Recorder()
    async with office(quick(state), recorder) as here:
        assert (await recorder.next())[2].party_id == "ref-1"
        client = here.http
        assert (await client.get("/accounts/customers/acme")).json()["name"] == "Acme"
        again = await order(client, "k1", "create_customer", customer_name="Acme")
        assert again.headers["idempotent-replay"] == "true"
        assert (await order(client, "k1", "create_customer", customer_name="B")).status_code == 409
        await here.send(mail("prompt@b.example", party="ref-2"))
        assert (await recorder.next())[2].party_id == "ref-2"
        mails = (await here.book())["mails"]
        assert [m["id"] for m in mails] == ["mail-1", "mail-2"]
    assert len(list(StateFile(state).lines())) == 5, "order, two mails, two answers"


async def _fill(here: Office) -> None:
    """Order and send without awaiting the answers, which take minutes at that speed."""
    tasks: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(order(here.http, "k1", "create_customer", customer_name="Acme")),
        asyncio.ensure_future(here.send(mail("prompt@a.example"))),
    ]
    while True:
        book = await here.book()
        if book["effects"]["total"] and book["mails"]:
            break
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_foreign_state_file_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    state.write_text('{"kind":"something else"}\n')
    with pytest.raises(ValueError, match=r"state\.jsonl, line 1: not a line of ours"):
        create_app(SimulatorConfig(state=state))


async def test_nothing_is_kept_without_a_state_file(simulate: Simulate) -> None:
    client = simulate(SimulatorConfig(speed=FAST))
    await order(client, "k1", "create_customer", customer_name="Acme")
    client = simulate(SimulatorConfig(speed=FAST))
    assert (await client.get("/accounts/customers/acme")).status_code == 404
