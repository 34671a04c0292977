"""The crash demo: as a user runs it, and its proof counted again from other books."""

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from sqlalchemy import select
from temporalio.api.enums.v1 import EventType

from cli import cases
from cli import demo as demos
from cli.errors import Trouble
from cli.processes import process
from cli.session import Session
from cli.watch import watching
from insight.history.book import MODEL_CALL
from insight.history.spans import SpanKind, SpanState
from insight.report import Report
from runtime.settings import Settings
from runtime.stack import Stack
from store.database import Store
from store.journal import ClaimState, Journal
from store.ledger import Ledger, LedgerState
from store.schema import claims, replies
from tests.stack.support import braid, world_on
from tests.support.world import case_file

pytestmark = pytest.mark.server

SALT = 20261121
SPEEDS = [4.0]
if os.environ.get("BRAID_SOAK") == "1":
    SPEEDS += [round(random.Random(SALT + n).uniform(1.5, 6), 2) for n in range(9)]  # noqa: S311


def judge(proof: dict[str, Any], given_up: int = 0) -> None:
    """Check what the demo claims about the crashes; `given_up` calls were cut off by the case."""
    assert proof["completed_branches_rerun"] == 0
    assert proof["repeated_paid_calls"] == 0
    assert proof["duplicate_effects"] == 0
    assert [k["part"] for k in proof["kills"]] == ["worker", "server"]
    assert all(k["in_flight"] >= 1 for k in proof["kills"]), "killed in mid-flight"
    assert len(proof["uncertain"]) <= proof["in_flight_at_kills"] + given_up


@pytest.mark.parametrize("speed", SPEEDS)
async def test_the_crash_demo_proves_that_nothing_is_done_or_paid_twice(
    tmp_path: Path, speed: float
) -> None:
    """As a user runs it: exit 0, one JSON object and nothing else on standard output."""
    print(f"speed {speed}, salt {SALT}")
    done = await braid(tmp_path, "demo", "--crash", "--json", "--speed", str(speed))
    assert done.code == 0, done.err
    shown = done.json()
    judge(shown)
    assert shown["outcome"] == shown["decision"]["outcome"] == "decline"
    assert shown["decided_by"][-1] == "mira", "the case, after its hits"
    assert "worker restarted" in done.err
    assert "server restarted" in done.err


async def test_the_counts_of_the_crash_demo_agree_with_everybody_elses_books(
    tmp_path: Path,
) -> None:
    """What was billed by the vendors is what is in the journal, but for calls lost in a kill."""
    settings = Settings(data=tmp_path)
    entry = process("due-diligence")
    given = case_file("unilever")
    async with Stack(settings, speed=8, seed=11) as stack:
        here = Session(stack.client, settings, stack.addresses, stack)
        shown = await demos.demo(here, entry, given, Console(stderr=True), crash=True, quiet=True)
        judge(shown.proof, given_up(shown.report))
        async with httpx.AsyncClient(base_url=stack.addresses.simulator, timeout=60) as http:
            book = (await http.get("/_simulator/book")).json()
        again = await scheduled_after_completion(stack, shown.case)
    assert again == []
    store = await Store.open(settings.database)
    try:
        await agree_on_calls(store, shown.case, book, shown.proof)
        await agree_on_effects(store, shown.case, book)
    finally:
        await store.close()


async def test_a_crash_demo_that_comes_too_late_says_so(tmp_path: Path) -> None:
    """At its gate a case asks no model: nothing is killed, and nobody waits for the next call."""
    settings = Settings(data=tmp_path)
    async with Stack(settings, speed=200) as stack:
        here = Session(stack.client, settings, stack.addresses, stack)
        handle = await cases.start(here.client, process("due-diligence"), case_file("bank_saderat"))
        kills = demos.Kills()
        async with world_on(stack.addresses, tmp_path) as seen:
            await seen.gate(seen.client.get_workflow_handle(handle.id))
        async with watching(handle, Console(stderr=True), quiet=True) as tail:
            with pytest.raises(Trouble, match="too late to kill the worker"):
                await demos.crash_through(here, tail, kills)
        assert kills.done == []
        assert (stack.worker.restarts, stack.server.restarts) == (0, 0)


def given_up(known: Report) -> int:
    """Count the model calls that the case itself cut off: a referee's, when others sufficed."""
    cut = (s for s in known.spans if s.state in (SpanState.CANCELLED, SpanState.ABANDONED))
    return sum(s.kind is SpanKind.ACTIVITY and s.name == MODEL_CALL for s in cut)


async def scheduled_after_completion(stack: Stack, case: str) -> list[str]:
    """Find questions asked of an activity after the same question was answered."""
    history = await stack.client.get_workflow_handle(case).fetch_history()
    asked: dict[int, str] = {}
    answered: set[str] = set()
    again = []
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            scheduled = event.activity_task_scheduled_event_attributes
            data = b"".join(p.data for p in scheduled.input.payloads).decode()
            branch = scheduled.header.fields["braid-branch"].data.decode()
            asked[event.event_id] = f"{scheduled.activity_type.name} {branch} {data}"
            if asked[event.event_id] in answered:
                again.append(asked[event.event_id])
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            completed = event.activity_task_completed_event_attributes
            answered.add(asked[completed.scheduled_event_id])
    assert len(answered) > 10, "or nothing was looked at"
    return again


async def agree_on_calls(
    store: Store, case: str, book: dict[str, Any], proof: dict[str, Any]
) -> None:
    """Compare journal and vendors: every bill has its reply, or its lost claim."""
    async with store.reading() as connection:
        of_models = select(claims.c.vendor, claims.c.key, replies.c.id)
        joined = of_models.join(replies, replies.c.claim_id == claims.c.id)
        rows = (await connection.execute(joined.where(claims.c.model != ""))).all()
    had = Counter(row.vendor for row in rows)
    assert len({row.key for row in rows}) == len(rows), "one reply a question"
    uncertain = await Journal(store).uncertain(case)
    lost = Counter(c.vendor for c in uncertain if c.model)
    billed = Counter(book["billed"])
    assert had <= billed <= had + lost, f"had {had}, lost {lost}, billed {billed}"
    assert len(proof["uncertain"]) == len(uncertain)
    assert {c.state for c in uncertain} <= {ClaimState.OPEN, ClaimState.LOST}


async def agree_on_effects(store: Store, case: str, book: dict[str, Any]) -> None:
    """Compare ledger and outside world: each effect there once, none left in between."""
    effects = await Ledger(store).effects(case)
    assert effects
    assert {e.state for e in effects} <= {LedgerState.DONE, LedgerState.UNCLEAR}
    actions = book["effects"]["by_action"]
    assert actions
    assert set(actions.values()) == {1}, actions
    sent = Counter((m["to"], m["subject"]) for m in book["mails"])
    assert set(sent.values()) == {1}, "no mail twice"
    assert len(sent) >= 4, "the referees at least"
