"""Mail over real SMTP: sent once, repeated only while surely nothing went out, else unclear."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from activities.effects.doors import EffectActivities
from activities.effects.mail import written
from activities.smtp import hand_over
from activities.wire import NotSent, Wire
from runtime.settings import Settings
from runtime.smtp import MailServer, Tls, is_ours, message_id
from store.breakers import BreakerRule, Breakers, BreakerState
from store.database import Store
from store.ledger import Ledger, LedgerState
from tests.activities.running import SCOPE, fails, run
from tests.support.post import Post, post_office
from workflows import calls
from workflows.data.effects import EffectReceipt, EffectState, MailOrder

MAIL = MailOrder(
    template="reference",
    party_id="ref-1",
    to="prompt@trade.example",
    subject="A réference",
    body="Do they pay?\n.\nYours, Zoë\n",
    reply_signal="reference_reply",
)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with post_office() as post:
        yield post


@pytest.fixture
def effects(settings: Settings, store: Store, wire: Wire, post: Post) -> EffectActivities:
    return EffectActivities(replace(settings, simulator_smtp=post.url), store, wire)


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store)


async def mail(effects: EffectActivities, attempt: int = 1) -> EffectReceipt:
    return await run(calls.MAIL, effects.send_mail, MAIL, attempt=attempt)


async def states(ledger: Ledger) -> list[LedgerState]:
    return [row.state for row in await ledger.effects(SCOPE)]


async def test_a_mail_arrives_as_it_was_written_and_says_where_an_answer_goes(
    post: Post, effects: EffectActivities, ledger: Ledger
) -> None:
    receipt = await mail(effects)
    assert (receipt.reference, receipt.state) == ("2.0.0 queued as mail-1", EffectState.DONE)
    (got,) = post.mails
    assert got.message_id == f"<{receipt.key[:32]}@braid.example>"
    assert (got.to, got.subject, got.body) == (MAIL.to, MAIL.subject, MAIL.body)
    assert got.reply is not None
    assert got.reply.model_dump() == {
        "workflow_id": SCOPE,
        "signal": "reference_reply",
        "party_id": "ref-1",
    }
    assert await mail(effects, attempt=2) == receipt
    assert post.connections == 1
    assert await states(ledger) == [LedgerState.DONE]


async def test_an_answer_names_the_mail_it_answers_and_no_workflow(
    post: Post, effects: EffectActivities
) -> None:
    asked = f"<{'long-' * 40}1@mail.example>"
    plain = MAIL.model_copy(update={"reply_signal": "", "in_reply_to": asked})
    await run(calls.MAIL, effects.send_mail, plain)
    assert (post.mails[0].reply, post.mails[0].in_reply_to) == (None, asked)


@pytest.mark.parametrize("kind", ["drop", "cut", "unfinished", "nonsense", "hang", "drip"])
async def test_a_mail_that_may_have_gone_is_unclear_for_ever(
    kind: str, post: Post, settings: Settings, store: Store, wire: Wire, ledger: Ledger
) -> None:
    patience = 0.1 if kind in ("hang", "drip") else 5.0
    there = replace(settings, simulator_smtp=post.url, source_timeout=patience)
    effects = EffectActivities(there, store, wire)
    post.will(kind)
    first = await mail(effects)
    assert first.state is EffectState.UNCLEAR
    assert await mail(effects, attempt=2) == first
    assert (post.connections, len(post.mails)) == (1, 1)
    assert await states(ledger) == [LedgerState.UNCLEAR]


async def test_a_mail_in_flight_at_a_crash_is_never_sent_again(
    post: Post, effects: EffectActivities, ledger: Ledger
) -> None:
    post.will("hang")
    sending = asyncio.ensure_future(mail(effects))
    await post.taken.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert await states(ledger) == [LedgerState.CLAIMED]
    assert (await mail(effects, attempt=2)).state is EffectState.UNCLEAR
    assert (post.connections, len(post.mails)) == (1, 1)


@pytest.mark.parametrize("kind", ["down", "overloaded", "error", "rate_limited", "quota", "html"])
async def test_a_mail_surely_not_taken_is_sent_again(
    kind: str, post: Post, effects: EffectActivities, ledger: Ledger
) -> None:
    post.will(kind)
    error = await fails(calls.MAIL, effects.send_mail, MAIL)
    assert (error.type, error.non_retryable) == ("EffectUnavailable", False)
    assert (post.mails, await states(ledger)) == ([], [])
    assert (await mail(effects, attempt=2)).state is EffectState.DONE
    assert (post.connections, len(post.mails)) == (2, 1)


async def test_a_mail_nobody_could_take_is_sent_later(
    post: Post, store: Store, ledger: Ledger, effects: EffectActivities, wire: Wire
) -> None:
    nobody = Settings(simulator_smtp="smtp://127.0.0.1:9")
    error = await fails(calls.MAIL, EffectActivities(nobody, store, wire).send_mail, MAIL)
    assert (error.type, error.non_retryable) == ("EffectUnavailable", False)
    assert await states(ledger) == []
    assert (await mail(effects, attempt=2)).state is EffectState.DONE


async def test_mail_is_left_alone_while_its_breaker_is_open_and_is_not_lost(
    post: Post, store: Store, ledger: Ledger, effects: EffectActivities
) -> None:
    most = BreakerRule().at_least
    post.will("overloaded", times=most)
    for _ in range(most + 1):
        error = await fails(calls.MAIL, effects.send_mail, MAIL)
        assert (error.type, error.non_retryable) == ("EffectUnavailable", False)
    assert post.connections == most, "the last one was not even tried"
    assert "left alone" in error.message
    (view,) = await Breakers(store).views()
    assert (view.service, view.state) == ("mail", BreakerState.OPEN)
    async with store.writing() as connection:
        await connection.execute(text("DELETE FROM breakers"))
    assert (await mail(effects, 2)).state is EffectState.DONE
    assert await states(ledger) == [LedgerState.DONE]


@pytest.mark.parametrize(("status", "said"), [(550, "refused: 550"), (535, "BRAID_SMTP_PASSWORD")])
async def test_a_refused_mail_is_final_and_leaves_no_claim(
    status: int, said: str, post: Post, effects: EffectActivities, ledger: Ledger
) -> None:
    post.will("error", status=status)
    error = await fails(calls.MAIL, effects.send_mail, MAIL)
    assert (error.type, error.non_retryable) == ("EffectRefused", True)
    assert said in error.message
    assert await states(ledger) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "Hello\r\nBcc: all@a.example"},
        {"in_reply_to": "<a@b>\nBcc: all@a.example"},
        {"to": "a@b.example, c@d.example"},
        {"to": "a@b.example\r\nBcc: c@d.example"},
        {"to": "a@b.example> RET=FULL"},
        {"to": "zoë@b.example"},
        {"to": "nobody"},
    ],
)
async def test_a_header_cannot_be_smuggled_in(
    changed: dict[str, str], post: Post, effects: EffectActivities, ledger: Ledger
) -> None:
    error = await fails(calls.MAIL, effects.send_mail, MAIL.model_copy(update=changed))
    assert (error.type, error.non_retryable) == ("EffectRefused", True)
    assert "give one address" in error.message
    assert (post.connections, await states(ledger)) == (0, [])


def test_a_mail_is_plain_ascii_dated_and_known_by_its_key() -> None:
    plain = MAIL.model_copy(update={"reply_signal": ""})
    one, again = (written(plain, "k" * 64, "us@firm.example") for _ in range(2))
    assert one["Message-ID"] == again["Message-ID"] == f"<{'k' * 32}@firm.example>"
    assert one["From"] == "us@firm.example"
    assert one["Auto-Submitted"] == "auto-generated"
    assert abs(datetime.now(UTC) - one["Date"].datetime).total_seconds() < 3600
    assert one.as_bytes().isascii()
    answer = plain.model_copy(update={"in_reply_to": "<q@a.example>"})
    assert written(answer, "k", "us@firm.example")["Auto-Submitted"] == "auto-replied"


def test_our_own_mails_are_known_by_their_message_id() -> None:
    ours = message_id("0a" * 32, "us@firm.example")
    assert is_ours(ours, "support@FIRM.example")
    assert not is_ours(ours, "us@other.example")
    assert not is_ours("<hello@firm.example>", "us@firm.example")


async def test_a_server_without_tls_is_told_nothing_where_tls_is_demanded(post: Post) -> None:
    port = int(post.url.rpartition(":")[2])
    server = MailServer("127.0.0.1", port, tls=Tls.STARTTLS, user="u", password="p")
    plain = MAIL.model_copy(update={"reply_signal": ""})
    with pytest.raises(NotSent, match="STARTTLS"):
        await hand_over(server, written(plain, "k", server.sender), 2.0)
    assert post.mails == []
