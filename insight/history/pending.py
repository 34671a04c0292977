"""What the server says of an open run that its history does not tell yet."""

from collections.abc import Mapping

from pydantic import AwareDatetime, Field

from workflows.data.common import Record


class Pending(Record):
    """What the server says of an activity under way, which its history does not tell yet.

    `attempt` is the one running or due next, `since` when it was taken up, `due` when the next
    one may begin; `failure` is why the one before failed, `beat` what its heartbeats last said.
    `held` is the service whose limit it waits for.
    """

    running: bool
    attempt: int = 1
    since: AwareDatetime | None = None
    due: AwareDatetime | None = None
    failure: str = ""
    beat: str = ""
    held: str = ""
    worker: str = ""


class Now(Record):
    """What is known of a run that is open, besides its history.

    `pending` is by the id of the span, `gates` are the names of open gates, `task` says what is
    the matter with the workflow's own code: no worker takes it up, or it fails.
    """

    pending: Mapping[int, Pending] = Field(default_factory=dict)
    gates: tuple[str, ...] = ()
    task: str = ""


NOTHING = Now()
