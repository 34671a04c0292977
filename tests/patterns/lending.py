"""A keeper and topics on a plain loop: the same rules behind a door instead of workflows."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.patterns.virtual import elapsed
from workflows.calls import KEEPER, TOPIC, Call
from workflows.data.common import Record
from workflows.data.events import Event, Posted, TopicMessage, TopicState
from workflows.data.resources import KeeperAct, KeeperMessage, KeeperState
from workflows.patterns.clock import now
from workflows.patterns.events import Inbox
from workflows.patterns.keeping import Turn, expire, gone, next_expiry, take
from workflows.patterns.topics import due, receive, settle


@dataclass
class Lending:
    """Answers KEEPER and TOPIC. `post` takes seconds to arrive; who has no inbox is gone."""

    post: float = 0.0
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    states: dict[str, KeeperState] = field(default_factory=dict)
    topics: dict[str, TopicState] = field(default_factory=dict)
    acts: list[tuple[float, str, KeeperAct]] = field(default_factory=list)
    failing: list[KeeperAct] = field(default_factory=list)
    slow: dict[KeeperAct, float] = field(default_factory=dict)
    timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    def inbox(self, owner: str) -> Inbox:
        made = self.inboxes[owner] = Inbox(owner)
        return made

    async def door(self, call: Call[Any, Any], message: Record) -> Record:
        if call == TOPIC:
            assert isinstance(message, TopicMessage)
            self.publish(message)
            return Posted(workflow_id="topic")
        assert call == KEEPER
        assert isinstance(message, KeeperMessage)
        self.acts.append((elapsed(), message.request.holder, message.act))
        await asyncio.sleep(self.slow.get(message.act, 0.0))
        if message.act in self.failing:
            raise RuntimeError(f"{message.act} cannot be sent")
        state = self.states.get(message.pool.name) or KeeperState(pool=message.pool)
        self.keep(take(state, message, now()))
        return Posted(workflow_id="keeper")

    def keep(self, turn: Turn) -> None:
        pool = turn.state.pool.name
        self.states[pool] = turn.state
        loop = asyncio.get_running_loop()
        for notice in turn.notices:
            event = Event(name=notice.event, id=notice.event, sender="keeper", body=notice.body)
            loop.call_later(self.post, self.tell, notice.to, event)
        if pool in self.timers:
            self.timers.pop(pool).cancel()
        if (at := next_expiry(turn.state)) is not None:
            self.timers[pool] = loop.call_at(at.timestamp(), self.expire, pool)

    def expire(self, pool: str) -> None:
        self.keep(expire(self.states[pool], datetime.fromtimestamp(elapsed(), UTC)))

    def lose(self) -> None:
        """Forget everything, as when keepers are terminated."""
        self.states.clear()
        self.stop()

    def stop(self) -> None:
        while self.timers:
            self.timers.popitem()[1].cancel()

    def tell(self, to: str, event: Event) -> None:
        if to in self.inboxes:
            self.inboxes[to].take(event)
        else:
            for state in list(self.states.values()):
                self.keep(gone(state, to, now()))

    def publish(self, message: TopicMessage) -> None:
        state = receive(self.topics.get(message.topic) or TopicState(topic=message.topic), message)
        while deliveries := due(state):
            for one in deliveries:
                self.inboxes[one.to].take(one.event)
            state = settle(state, deliveries, [])
        self.topics[message.topic] = state

    @property
    def holders(self) -> list[str]:
        return [h.request.holder for state in self.states.values() for h in state.held]

    @property
    def waiting(self) -> list[str]:
        return [r.holder for state in self.states.values() for r in state.waiting]


async def until(done: Coroutine[Any, Any, Any]) -> float:
    """Give the virtual time at which something ended."""
    await done
    return elapsed()
