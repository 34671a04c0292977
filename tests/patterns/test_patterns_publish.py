"""Publishing on a plain loop: topics behind a door, completions, and what is misuse."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.patterns.lending import Lending
from tests.patterns.virtual import run
from workflows.calls import open_door
from workflows.errors import Misuse
from workflows.patterns.events import Inbox
from workflows.patterns.publish import announcing, publish, subscribe, unsubscribe

SOON = timedelta(seconds=1)


def test_an_event_reaches_everybody_who_subscribed_and_retained_ones_the_late() -> None:
    async def story() -> list[list[str]]:
        post = Lending()
        desk, early, late = (post.inbox(name) for name in ("desk", "early", "late"))
        with open_door(post.door):
            await subscribe(early, "prices")
            for n in range(3):
                await publish(desk.event("price", {"n": n}, id=str(n)), topic="prices")
            await subscribe(late, "prices", retained=2)
            await unsubscribe(early, "prices")
            await publish(desk.event("price", id="3"), topic="prices")
            await publish(desk.event("price", id="3"), topic="prices")
        return [[a.event.id for a in inbox.arrivals] for inbox in (early, late)]

    assert run(story()) == [["0", "1", "2"], ["1", "2", "3"]]


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_a_process_that_ends_says_how(end: str) -> None:
    """Once, under its own name, also when it is cancelled."""

    async def work(inbox: Inbox) -> None:
        async with announcing(inbox, topic="ends", result={"sum": 3}):
            await asyncio.sleep(5)
            if end == "failed":
                raise ValueError("broken")

    async def story() -> tuple[str, object, type]:
        post = Lending()
        parent = post.inbox("parent")
        with open_door(post.door):
            await subscribe(parent, "ends")
            task = asyncio.ensure_future(work(post.inbox("child")))
            if end == "cancelled":
                await asyncio.sleep(1)
                task.cancel()
            (error,) = await asyncio.gather(task, return_exceptions=True)
        received = await parent.wait("completed", deadline=SOON)
        (arrival,) = received.events
        return arrival.event.sender, arrival.event.body, type(error)

    sender, body, error = run(story())
    assert (sender, body) == ("child", {"outcome": end, "result": {"sum": 3}})
    errors = {"failed": ValueError, "cancelled": asyncio.CancelledError}
    assert error is errors.get(end, type(None))


async def _announce(inbox: Inbox) -> None:
    async with announcing(inbox):
        pass


MISUSE: list[tuple[Callable[[Inbox], Awaitable[object]], str]] = [
    (lambda i: publish(i.event("paid")), r"goes to \(\): name workflows in a list, or a topic"),
    (
        lambda i: publish(i.event("paid"), to="case-1"),
        r"goes to 'case-1': name workflows in a list",
    ),
    (lambda i: publish(i.event("paid"), topic="No Topic"), r"topic 'No Topic': topic: "),
    (lambda i: subscribe(i, "prices", retained=-1), r"topic 'prices': retained: "),
    (_announce, r"p has no parent to tell that it completed; give to= or topic="),
]


@pytest.mark.parametrize(("do", "said"), MISUSE, ids=[said[:20] for _, said in MISUSE])
def test_an_event_to_nobody_is_refused(do: Callable[[Inbox], Awaitable[object]], said: str) -> None:
    async def story() -> None:
        with open_door(Lending().door):
            await do(Inbox("p"))

    with pytest.raises(Misuse, match=said):
        run(story())
