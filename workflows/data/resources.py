"""Records of scarce resources that processes take in turn, and of the keeper that lends them."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from workflows.data.common import JSON, Record

ResourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Amount = Annotated[int, Field(ge=1)]
Span = Annotated[timedelta, Field(gt=timedelta(0))]


class Pool(Record):
    """Resources that one keeper lends, with the amount there is of each.

    Every message to the keeper carries the pool: raise `version` to change it.
    """

    name: ResourceName
    amounts: Annotated[dict[ResourceName, Amount], Field(min_length=1)]
    longest: Span
    """How long anybody may hold anything, renewals included."""
    version: int = 1
    most_waiting: Annotated[int, Field(ge=1)] = 1_000


class Request(Record):
    """Who wants how much of what. Without renewal the lease ends after `lease`."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z0-9.-]+$")]
    holder: str
    """Workflow id the answer is sent to."""
    wants: Annotated[dict[ResourceName, Amount], Field(min_length=1)]
    lease: Span
    at_most: Span
    """How long it may be held with renewals."""


class KeeperAct(StrEnum):
    """What can be asked of a keeper."""

    REQUEST = "request"
    RENEW = "renew"
    RELEASE = "release"


class KeeperMessage(Record):
    """A message to the keeper of `pool`; it starts the keeper if it does not run."""

    pool: Pool
    act: KeeperAct
    request: Request


class Hold(Record):
    """What is lent to a request. `token` grows with every grant: a fence against late holders."""

    request: Request
    token: int
    granted: AwareDatetime
    until: AwareDatetime

    @property
    def end(self) -> AwareDatetime:
        """When it ends for good, whatever is renewed."""
        return self.granted + self.request.at_most


class Granted(Record):
    """The body of the event that tells a requester it holds what it asked for."""

    token: int
    granted: AwareDatetime
    until: AwareDatetime


class NoticeKind(StrEnum):
    """What a keeper tells a requester; with the request's id it names the event."""

    GRANTED = "granted"
    REFUSED = "refused"
    LOST = "lost"


class Notice(Record):
    """One thing to tell the workflow `to` about its request."""

    to: str
    request: str
    kind: NoticeKind
    body: JSON = None

    @property
    def event(self) -> str:
        """Name and id of the event it is told by."""
        return f"{self.kind}.{self.request}"


class KeeperCounts(Record):
    """What a keeper has done since it first started."""

    granted: int = 0
    released: int = 0
    expired: int = 0
    refused: int = 0
    gone: int = 0
    """Requests of processes that had ended when the keeper wanted to tell them."""


class KeeperState(Record):
    """All a keeper knows: the answer to its query `state`, carried into its next run."""

    pool: Pool
    held: tuple[Hold, ...] = ()
    waiting: tuple[Request, ...] = ()
    """In order of arrival."""
    done: tuple[str, ...] = ()
    """Ids of requests that ended, the oldest first: one that comes again is late, not new."""
    untold: tuple[Notice, ...] = ()
    """Notices on their way when a run ended."""
    token: int = 0
    counts: KeeperCounts = KeeperCounts()
    continue_after: Annotated[int, Field(ge=20)] = 3_000
    """Events of history after which the keeper goes on in a new run."""
    idle: Span = timedelta(hours=1)
    """Time without holder or request after which the keeper ends; the next message starts it."""
