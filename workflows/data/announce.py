"""Records of what a case tells other services of itself: CloudEvents, sent as signed webhooks."""

from enum import StrEnum

from pydantic import AwareDatetime

from workflows.data.common import Record
from workflows.data.endpoints import EndpointName

ANNOUNCE = "braid-announce"
"""Memo of a case: the endpoint of the allow-list that is told of it."""


class Happening(StrEnum):
    """What is told, as the `type` of the CloudEvent."""

    GATE_OPENED = "braid.gate.opened"
    GATE_DECIDED = "braid.gate.decided"
    COMPLETED = "braid.case.completed"
    FAILED = "braid.case.failed"
    CANCELLED = "braid.case.cancelled"


class Told(Record):
    """The `data` of an event: names and enumerated words, no personal data but who decided.

    `outcome` is the case's, `settled` says whether the decision settled its gate.
    """

    process: str
    gate: str = ""
    verdict: str = ""
    by: str = ""
    settled: bool | None = None
    outcome: str = ""


class CloudEvent(Record):
    """An event as it goes out: CloudEvents 1.0, structured JSON (cloudevents.io).

    `source` and `id` together are unique; `subject` is the case's workflow id.
    """

    specversion: str = "1.0"
    id: str
    source: str = "/braid"
    type: Happening
    subject: str
    time: AwareDatetime
    datacontenttype: str = "application/json"
    data: Told


class Announcement(Record):
    """An event and the endpoint that is told of it."""

    endpoint: EndpointName
    event: CloudEvent


class Announced(Record):
    """What became of an announcement."""

    delivered: bool
    why: str = ""
