"""Tell other processes what happened: by name, or whoever subscribed to a topic."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from workflows.calls import TOPIC, ask, only_in_workflow
from workflows.data.common import JSON
from workflows.data.events import Event, TopicAct, TopicMessage
from workflows.errors import Misuse, reason
from workflows.patterns.clock import shielded
from workflows.patterns.events import Inbox
from workflows.scope import log, told

COMPLETED = "completed"
"""Name of the event a process publishes when it ends; its body says how, as `outcome`."""
AT_ONCE = 200
"""Signals on their way at once; the server takes 2,000 of a workflow."""


@dataclass(frozen=True)
class Published:
    """Who has the event now, and who could not be told and why (it has ended, mostly)."""

    told: tuple[str, ...] = ()
    gone: tuple[tuple[str, str], ...] = ()
    topic: str | None = None


async def publish(event: Event, *, to: Sequence[str] = (), topic: str | None = None) -> Published:
    """Send an event to these workflows, and to a topic. A receiver that is gone is no error.

    Raises Misuse for an event to nobody, ActivityError if the topic could not be reached.
    """
    if isinstance(to, str) or not (to or topic):
        raise Misuse(f"event {event.name!r} goes to {to!r}: name workflows in a list, or a topic")
    if topic is not None:
        await ask(TOPIC, _message(topic, TopicAct.PUBLISH, event=event))
    known: list[str] = []
    gone: list[tuple[str, str]] = []
    receivers = tuple(dict.fromkeys(to))
    for start in range(0, len(receivers), AT_ONCE):
        batch = receivers[start : start + AT_ONCE]
        for who, why in zip(
            batch, await asyncio.gather(*(deliver(who, event) for who in batch)), strict=True
        ):
            known += [who] if why is None else []
            gone += [(who, why)] if why is not None else []
    return Published(tuple(known), tuple(gone), topic)


async def deliver(to: str, event: Event) -> str | None:
    """Signal an event to one workflow; give why it could not be told, None if it was."""
    only_in_workflow(f"event {event.name!r} to {to}")
    try:
        await workflow.get_external_workflow_handle(to).signal("event", event)
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
        log.warning("event not delivered", extra=told(event_name=event.name, receiver=to))
        return reason(error)
    return None


@asynccontextmanager
async def announcing(
    inbox: Inbox, *, to: Sequence[str] = (), topic: str | None = None, result: JSON = None
) -> AsyncIterator[None]:
    """Publish `completed` when the block ends: succeeded, failed or cancelled.

    Left out, it goes to the parent workflow. Put it round the body of a child's `run`: each run
    announces its end once; one that continues as new has not ended. Raises Misuse where there is
    neither parent, receiver nor topic.
    """
    parent = workflow.info().parent if workflow.in_workflow() else None
    if not to and topic is None:
        if parent is None:
            raise Misuse(
                f"{inbox.owner} has no parent to tell that it completed; give to= or topic="
            )
        to = (parent.workflow_id,)

    async def say(outcome: str) -> None:
        id = f"{COMPLETED}-{workflow.info().run_id if workflow.in_workflow() else inbox.new_id()}"
        body: JSON = {"outcome": outcome, "result": result}
        await publish(inbox.event(COMPLETED, body, id=id), to=to, topic=topic)

    try:
        yield
    except (Exception, asyncio.CancelledError) as error:
        await shielded(say("cancelled" if is_cancelled_exception(error) else "failed"))
        raise
    await shielded(say("succeeded"))


async def subscribe(inbox: Inbox, topic: str, *, retained: int = 0) -> None:
    """Have a topic's events sent to this process, and at once the last `retained` ones.

    They come into the inbox at least once each, duplicates ignored. A subscriber that has ended
    is struck off by itself.
    """
    await ask(TOPIC, _message(topic, TopicAct.SUBSCRIBE, who=inbox.owner, retained=retained))


async def unsubscribe(inbox: Inbox, topic: str) -> None:
    """Have no more events of a topic sent to this process."""
    await ask(TOPIC, _message(topic, TopicAct.UNSUBSCRIBE, who=inbox.owner))


def _message(
    topic: str, act: TopicAct, *, who: str = "", retained: int = 0, event: Event | None = None
) -> TopicMessage:
    try:
        return TopicMessage(topic=topic, act=act, who=who, retained=retained, event=event)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)[0]
        raise Misuse(f"topic {topic!r}: {wrong['loc'][0]}: {wrong['msg']}") from None
