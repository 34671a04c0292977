"""What payloads, headers, summaries and failures say, without a data converter.

Our records travel as plain JSON, so nothing else is needed; an encrypted or foreign payload
reads as None, which is no error.
"""

import json
from collections.abc import Mapping, Sequence

from google.protobuf.message import Message
from temporalio.api.common.v1 import Header, Payload
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent

from workflows.data.common import BRANCH_HEADER

Question = tuple[str, tuple[tuple[bytes, bytes], ...]]
"""An activity's type and its input as (encoding, data) of each payload."""


def value(payload: Payload) -> object:
    """Decode a `json/plain` payload; None where it is anything else."""
    if payload.metadata.get("encoding") != b"json/plain":
        return None
    try:
        decoded: object = json.loads(payload.data)
    except (ValueError, RecursionError):
        return None
    return decoded


def fields(payloads: Sequence[Payload]) -> Mapping[str, object]:
    """Decode the first payload as a JSON object; empty where it is none."""
    decoded = value(payloads[0]) if payloads else None
    return decoded if isinstance(decoded, Mapping) else {}


def branch(event: HistoryEvent, header: Header | None = None) -> str:
    """Name the branch: from the header, else from a summary `branch: call`, else empty."""
    if header is not None and BRANCH_HEADER in header.fields:
        named = value(header.fields[BRANCH_HEADER])
        if isinstance(named, str):
            return named
    summary = value(event.user_metadata.summary)
    return summary.partition(": ")[0] if isinstance(summary, str) and ": " in summary else ""


def question(event: HistoryEvent) -> Question:
    """Give what an ActivityTaskScheduled asked, comparable for equality."""
    asked = event.activity_task_scheduled_event_attributes
    inputs = ((p.metadata.get("encoding", b""), p.data) for p in asked.input.payloads)
    return asked.activity_type.name, tuple(inputs)


def reason(failure: Failure) -> str:
    """Say in one line why something failed: what an activity or child raised, not what it
    made that of; empty for no failure.
    """
    while failure.HasField("cause") and not failure.HasField("application_failure_info"):
        failure = failure.cause
    kind = failure.application_failure_info.type
    if failure.HasField("timeout_failure_info"):
        kind = timeout(failure.timeout_failure_info.timeout_type)
    text = " ".join(failure.message.split())
    return f"{kind}: {text}" if kind and text else kind or text


def why(said: Message) -> str:
    """Say why an event tells of a failure: the `cause` it names and the failure; empty for none."""
    fields, words = said.DESCRIPTOR.fields_by_name, []
    if (named := fields.get("cause")) is not None and named.enum_type is not None:
        known = named.enum_type.values_by_number.get(getattr(said, named.name))
        cause = known.name.partition("CAUSE_")[2] if known is not None else ""
        words = [cause.removesuffix("UNSPECIFIED").replace("_", " ").lower()]
    if (failure := fields.get("failure")) is not None:
        words.append(reason(getattr(said, failure.name)))
    return ": ".join(word for word in words if word)


def timeout(number: int) -> str:
    """Name a kind of timeout, as `heartbeat timeout`."""
    known = TimeoutType.DESCRIPTOR.values_by_number.get(number)
    words = known.name if known is not None else "TIMEOUT_TYPE_UNSPECIFIED"
    return words.removeprefix("TIMEOUT_TYPE_").replace("_", " ").lower() + " timeout"
