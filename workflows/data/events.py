"""Records of events between processes, and of topics that forward them."""

from enum import StrEnum
from typing import Annotated, Self, TypeAlias

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from workflows.data.common import JSON, Record

EVENT_NAME = r"^[a-z][a-z0-9_.-]{0,79}$"
EventName = Annotated[str, StringConstraints(pattern=EVENT_NAME)]
"""An enumerated word, as `paid` or `order.shipped`: it stands in timers and histories."""
EventId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
EventKey: TypeAlias = tuple[str, str, str]
"""Sender, name and id."""
TopicName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class Event(Record):
    """Something that happened, as the message of the signal `event`.

    `sender`, `name` and `id` together say which event it is: the same three again are a duplicate.
    (CloudEvents takes source and id; with the name, a sender may use an order's number for both
    `paid` and `shipped`.) A process sends as its workflow id.
    """

    name: EventName
    id: EventId
    sender: Annotated[str, StringConstraints(max_length=200)] = ""
    body: JSON = None

    @property
    def key(self) -> EventKey:
        """Which event it is."""
        return self.sender, self.name, self.id


class Arrival(Record):
    """An event, and when the process took it."""

    event: Event
    at: AwareDatetime


class InboxState(Record):
    """What an inbox remembers: the answer to the query `events`, carried into a next run."""

    arrivals: tuple[Arrival, ...] = ()
    known: tuple[EventKey, ...] = ()
    """Events taken, the oldest first: what comes again is a duplicate."""
    duplicates: int = 0
    dropped: int = 0
    """Events nobody waited for, given up when the inbox was full."""
    dropped_by_name: dict[str, int] = Field(default_factory=dict)
    numbers: int = 0


class TopicAct(StrEnum):
    """What can be asked of a topic."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    PUBLISH = "publish"


class TopicMessage(Record):
    """A message to a topic; it starts the topic if it does not run."""

    topic: TopicName
    act: TopicAct
    who: str = ""
    """Workflow id of the subscriber."""
    retained: Annotated[int, Field(ge=0)] = 0
    """How many of the topic's last events a new subscriber wants at once."""
    event: Event | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.act is TopicAct.PUBLISH) is not (self.event is not None):
            raise ValueError("publish takes an event, subscribe and unsubscribe take none")
        if (self.act is TopicAct.PUBLISH) is bool(self.who):
            raise ValueError("subscribe and unsubscribe take who, publish does not")
        return self


class Subscriber(Record):
    """Who is told, and the number of the event to be told next."""

    who: str
    next: int


class TopicState(Record):
    """All a topic knows: the answer to its query `state`, carried into its next run.

    `log` holds the events numbered `first`, `first` + 1, ...: the last `keep` for late
    subscribers, and what some subscriber was not told yet, up to `most`.
    """

    topic: TopicName
    keep: Annotated[int, Field(ge=0)] = 100
    most: Annotated[int, Field(ge=1)] = 1_000
    most_subscribers: Annotated[int, Field(ge=1)] = 1_000
    continue_after: Annotated[int, Field(ge=20)] = 3_000
    """Events of history after which the topic goes on in a new run."""
    first: int = 1
    log: tuple[Event, ...] = ()
    subscribers: tuple[Subscriber, ...] = ()
    known: tuple[EventKey, ...] = ()
    published: int = 0
    delivered: int = 0
    duplicates: int = 0
    gone: int = 0
    """Subscribers that could not be told any more, and are none since."""
    missed: int = 0
    """Deliveries given up because a subscriber lagged more than `most` events behind."""
    refused: int = 0
    """Messages that made no sense, or subscribers beyond `most_subscribers`."""


class Posted(Record):
    """Proof that a service has the message: the workflow that took it."""

    workflow_id: str
