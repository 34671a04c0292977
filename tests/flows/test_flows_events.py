"""Events on the server: real children, real signals, topics, continue-as-new, replay."""

import asyncio
import random
import secrets
from collections.abc import Sequence

import pytest

from runtime.server import Ports
from tests.flows.events import (
    WORKFLOWS,
    Aggregated,
    Given,
    Listener,
    Parent,
    Publisher,
    Relay,
    Short,
    Told,
)
from tests.flows.watching import runs, served, service, until
from tests.support.flows import Flows, Handle
from workflows.data.common import SHADOW
from workflows.data.events import Arrival, Event, InboxState, TopicState

pytestmark = pytest.mark.server


async def inbox(handle: Handle, count: int) -> InboxState:
    """Wait until a process was told so many events."""
    answer = await until(handle, "events", lambda e: len(e["arrivals"]) >= count)
    return InboxState.model_validate(answer)


async def phase(handle: Handle, name: str) -> None:
    await until(handle, "status", lambda s: s["phase"] == name)


async def now_in(handle: Handle) -> str:
    return str((await handle.query("status"))["phase"])


def completions(state: InboxState) -> list[Arrival]:
    return [a for a in state.arrivals if a.event.name == "completed"]


async def say(handle: Handle, name: str, id: str = "1") -> None:
    await handle.signal("event", Event(name=name, id=id, sender="test"))


async def told(here: Flows, handle: Handle) -> Told:
    """Give the result of a test workflow whose every run replays."""
    result = Told.model_validate(await handle.result())
    for run in await runs(here, handle):
        await here.replayed(run)
    return result


def ids(arrivals: Sequence[Arrival]) -> list[str]:
    return [a.event.id for a in arrivals]


async def test_aggregation_starts_exactly_at_the_fifth_of_five_real_children(
    temporal: Ports,
) -> None:
    """A random order, some before the parent listens; each completion comes three times."""
    seed = secrets.randbelow(10_000)
    print(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311 - an order, no secret
    order = chance.sample(range(5), 5)
    early = chance.randrange(5)
    async with served(f"127.0.0.1:{temporal.grpc}", WORKFLOWS) as here:
        parent = await here.start(Parent, Given())
        await phase(parent, "started")
        seen = 0
        for place, n in enumerate(order):
            if place == early:
                await say(parent, "begin")
                seen += 1
                await inbox(parent, seen)
            child = here.client.get_workflow_handle(f"{parent.id}-{n}")
            here.started.append(child)
            assert await now_in(parent) == "started"
            await say(child, "go")
            seen += 1
            state = await inbox(parent, seen)
            for arrival in (completions(state)[-1], chance.choice(completions(state))):
                await parent.signal("event", arrival.event)
        await phase(parent, "aggregating")
        await say(parent, "end")
        result = Aggregated.model_validate(await parent.result())
        assert result.count == 5
        assert result.senders == tuple(f"{parent.id}-{n}" for n in order)
        state = InboxState.model_validate(await parent.query("events"))
        assert state.duplicates == 10
        assert [a.event.body for a in completions(state)] == [
            {"outcome": "succeeded", "result": None}
        ] * 5
        await here.replayed(parent)
        for n in order:
            await here.replayed(here.client.get_workflow_handle(f"{parent.id}-{n}"))


async def test_a_child_that_is_cancelled_or_fails_announces_that(temporal: Ports) -> None:
    async with served(f"127.0.0.1:{temporal.grpc}", WORKFLOWS) as here:
        parent = await here.start(Parent, Given())
        await phase(parent, "started")
        child = here.client.get_workflow_handle(f"{parent.id}-0")
        await child.cancel()
        (arrival,) = (await inbox(parent, 1)).arrivals
        assert (arrival.event.sender, arrival.event.body) == (
            child.id,
            {"outcome": "cancelled", "result": None},
        )
        await here.replayed(child)


async def test_a_receiver_that_is_gone_is_reported_and_the_others_are_told(
    temporal: Ports,
) -> None:
    async with served(f"127.0.0.1:{temporal.grpc}", WORKFLOWS) as here:
        alive = await here.start(Listener, Given(count=1))
        dead = await here.start(Listener, Given(count=1))
        await dead.terminate()
        to = (dead.id, alive.id, "never-was")
        sender = await here.start(Publisher, Given(to=to))
        sent = await told(here, sender)
        assert sent.told == (alive.id,)
        assert [who for who, _ in sent.gone] == [dead.id, "never-was"]
        assert all("not found" in why for _, why in sent.gone), sent.gone
        (arrival,) = (await told(here, alive)).arrivals
        assert (arrival.event.sender, arrival.event.body) == (sender.id, {"n": 0})


async def test_what_a_shadow_publishes_reaches_nobody_outside(temporal: Ports) -> None:
    """Neither by name nor by topic: who listens hears the case that acts alone."""
    async with served(f"127.0.0.1:{temporal.grpc}", WORKFLOWS) as here:
        listening = [
            await here.start(Listener, Given(count=1)),
            await here.start(Listener, Given(topic="prices", count=1)),
        ]
        await phase(listening[1], "subscribed")
        given = Given(to=(listening[0].id,), topic="prices", count=1)
        await told(here, await here.start(Publisher, given, memo={SHADOW: True}))
        real = await here.start(Publisher, given)
        for one in listening:
            (arrival,) = (await told(here, one)).arrivals
            assert arrival.event.sender == real.id


async def test_every_subscriber_of_a_topic_is_told_everything_in_order_over_many_runs(
    temporal: Ports,
) -> None:
    """The topic continues as new under load; one subscriber ends; one comes late."""
    count = 12
    async with served(f"127.0.0.1:{temporal.grpc}", WORKFLOWS) as here:
        topic = service(here, "topic", "prices")
        await here.start("topic", TopicState(topic="prices", continue_after=80), id=topic.id)
        listening = [
            await here.start(Listener, Given(topic="prices", count=2 * count)) for _ in range(3)
        ]
        await asyncio.gather(*(phase(one, "subscribed") for one in listening))
        await listening.pop().terminate()
        publishers = [await here.start(Publisher, Given(topic="prices", count=count)) for _ in "ab"]
        for one in listening:
            got = await told(here, one)
            assert (got.complete, got.missing) == (True, ())
            by_sender = {
                p.id: ids([a for a in got.arrivals if a.event.sender == p.id]) for p in publishers
            }
            assert by_sender == {p.id: [str(n) for n in range(count)] for p in publishers}
        late = await here.start(Listener, Given(topic="prices", count=5, retained=5))
        assert len((await told(here, late)).arrivals) == 5
        state = TopicState.model_validate(
            await until(topic, "state", lambda s: s["delivered"] >= 4 * count + 5 and s["gone"])
        )
        assert (state.published, state.duplicates, state.missed) == (2 * count, 0, 0)
        its_runs = await runs(here, topic)
        assert len(its_runs) > 2
        for run in its_runs:
            await here.replayed(run)


async def test_what_was_told_survives_into_the_next_runs(temporal: Ports) -> None:
    """Early events of three runs, one repeated after continue-as-new."""
    async with served(f"127.0.0.1:{temporal.grpc}", WORKFLOWS) as here:
        relay = await here.start(Relay, Given())
        for n in range(3):
            await say(relay, "early", str(n))
            await say(relay, "early", "0")
            await say(relay, "turn", str(n))
        await say(relay, "end")
        result = await told(here, relay)
        names = [(a.event.name, a.event.id) for a in result.arrivals]
        assert [n for n in names if n[0] == "early"] == [("early", str(n)) for n in range(3)]
        assert names[-1] == ("end", "1")
        assert result.duplicates == 3
        assert len({a.event.key for a in result.arrivals}) == len(result.arrivals) == 7


async def test_a_deadline_ends_the_wait_with_what_came(temporal: Ports) -> None:
    """Also in a workflow that is no Process but has an inbox of its own."""
    async with served(f"127.0.0.1:{temporal.grpc}", WORKFLOWS) as here:
        price = Event(name="price", id="1", sender="test")
        handle = await here.start(Short, start_signal="event", start_signal_args=[price])
        got = await told(here, handle)
        assert (got.complete, got.missing) == (False, ("paid",))
        assert ids(got.arrivals) == ["1"]


async def test_every_process_keeps_events_and_refuses_what_is_none(temporal: Ports) -> None:
    async with served(f"127.0.0.1:{temporal.grpc}", WORKFLOWS) as here:
        handle = await here.start(Listener, Given(count=1))
        await handle.signal("event", {"name": "No Name", "id": "1"})
        await handle.signal("event", None)
        await handle.signal("event", {"name": "price", "id": "1", "body": {"usd": "1.50"}})
        (arrival,) = (await told(here, handle)).arrivals
        assert arrival.event.body == {"usd": "1.50"}
        refusals = await handle.query("refusals")
        assert [r["message"] for r in refusals] == ["event", "event"]
