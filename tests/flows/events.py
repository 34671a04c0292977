"""Test workflows of events: five children and their parent, publishing, topics, a next run."""

from datetime import timedelta

from temporalio import workflow

from workflows.data.common import Record
from workflows.data.events import Arrival, Event, InboxState
from workflows.patterns.events import Inbox
from workflows.patterns.process import Process
from workflows.patterns.publish import announcing, publish, subscribe
from workflows.patterns.wanted import named

SOON = timedelta(seconds=30)


class Aggregated(Record):
    """How many completions the parent knew of when it started to aggregate, and whose."""

    count: int
    senders: tuple[str, ...]


class Given(Record):
    """What a test workflow is given."""

    to: tuple[str, ...] = ()
    topic: str = ""
    count: int = 0
    retained: int = 0
    inbox: InboxState = InboxState()


class Told(Record):
    """What a test workflow was told."""

    arrivals: tuple[Arrival, ...] = ()
    duplicates: int = 0
    told: tuple[str, ...] = ()
    gone: tuple[tuple[str, str], ...] = ()
    complete: bool = True
    missing: tuple[str, ...] = ()


@workflow.defn(name="flow-child")
class Child(Process):
    """Waits to be let go, and announces its end to its parent; "bad" makes it fail."""

    @workflow.init
    def __init__(self, given: Given) -> None:
        super().__init__("child", "child")

    @workflow.run
    async def run(self, given: Given) -> str:
        async with announcing(self.inbox):
            await self.inbox.wait("go", deadline=SOON)
        return "done"


@workflow.defn(name="flow-parent")
class Parent(Process):
    """Starts five children, waits for a word, and aggregates when the fifth has completed."""

    @workflow.init
    def __init__(self, given: Given) -> None:
        super().__init__("parent", "parent")

    @workflow.run
    async def run(self, given: Given) -> Aggregated:
        children = [
            await workflow.start_child_workflow(
                "flow-child", Given(), id=f"{workflow.info().workflow_id}-{n}"
            )
            for n in range(5)
        ]
        self.enter("started")
        await self.inbox.wait("begin", deadline=SOON)
        received = await self.inbox.wait(named("completed", times=5), deadline=SOON)
        self.enter("aggregating")
        known = [a for a in self.inbox.arrivals if a.event.name == "completed"]
        await self.inbox.wait("end", deadline=SOON)
        for child in children:
            await child
        senders = tuple(a.event.sender for a in received.events)
        return Aggregated(count=len(known), senders=senders)


@workflow.defn(name="flow-publisher")
class Publisher(Process):
    """Sends events to workflows, and `count` of them to a topic."""

    @workflow.init
    def __init__(self, given: Given) -> None:
        super().__init__("publisher", "publisher")

    @workflow.run
    async def run(self, given: Given) -> Told:
        told = Told()
        if given.to:
            sent = await publish(self.inbox.event("price", {"n": 0}), to=given.to)
            told = Told(told=sent.told, gone=sent.gone)
        for n in range(given.count):
            await publish(self.inbox.event("price", n, id=str(n)), topic=given.topic)
        return told


@workflow.defn(name="flow-listener")
class Listener(Process):
    """Listens to a topic, or waits for what is sent to it, until `count` prices have come."""

    @workflow.init
    def __init__(self, given: Given) -> None:
        super().__init__("listener", "listener")

    @workflow.run
    async def run(self, given: Given) -> Told:
        if given.topic:
            await subscribe(self.inbox, given.topic, retained=given.retained)
        self.enter("subscribed")
        received = await self.inbox.wait(named("price", times=given.count), deadline=SOON)
        return Told(arrivals=received.events, complete=received.complete, missing=received.missing)


@workflow.defn(name="flow-relay")
class Relay(Process):
    """Continues as new at each "turn", with all it was told; ends with "end"."""

    @workflow.init
    def __init__(self, given: Given) -> None:
        super().__init__("relay", "relay")
        self.inbox.restore(given.inbox)

    @workflow.run
    async def run(self, given: Given) -> Told:
        turns = given.count + 1
        await self.inbox.wait(named("end") | named("turn", times=turns), deadline=SOON)
        state = self.inbox.state()
        if not any(a.event.name == "end" for a in state.arrivals):
            await self.finish()
            workflow.continue_as_new(Given(count=turns, inbox=self.inbox.state()))
        return Told(arrivals=state.arrivals, duplicates=state.duplicates)


@workflow.defn(name="flow-short")
class Short:
    """No Process: an inbox of its own, and a deadline that passes."""

    @workflow.init
    def __init__(self) -> None:
        self.inbox = Inbox(workflow.info().workflow_id)

    @workflow.run
    async def run(self) -> Told:
        wanted = named("price") & named("paid")
        received = await self.inbox.wait(wanted, deadline=timedelta(milliseconds=600))
        return Told(arrivals=received.events, complete=received.complete, missing=received.missing)

    @workflow.signal
    def event(self, event: Event) -> None:
        self.inbox.take(event)


WORKFLOWS = [Child, Parent, Publisher, Listener, Relay, Short]
