"""Histories in clear: what a client reads of a case is decrypted as it comes.

Whoever explains, watches or forks a case reads the history itself, past the data converter. So the
client of the command line opens what the server tells: payloads, and messages of failures.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, TypeVar

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    DescribeWorkflowInput,
    FetchWorkflowHistoryEventsInput,
    Interceptor,
    OutboundInterceptor,
    WorkflowExecutionDescription,
    WorkflowHistoryEventAsyncIterator,
)

from runtime.encryption import Encryption
from runtime.keys import MissingKey

M = TypeVar("M", bound=Message)
_SIGNAL: Final = "workflow_execution_signaled_event_attributes"


class Opening(Interceptor):
    """Gives a client histories and descriptions in clear."""

    def __init__(self, codec: Encryption) -> None:
        self._codec = codec

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        """Wrap what the client calls."""
        return _Outbound(next, self._codec)


class _Outbound(OutboundInterceptor):
    def __init__(self, following: OutboundInterceptor, codec: Encryption) -> None:
        super().__init__(following)
        self._codec = codec

    def fetch_workflow_history_events(
        self, input: FetchWorkflowHistoryEventsInput
    ) -> WorkflowHistoryEventAsyncIterator:
        return _Events(super().fetch_workflow_history_events(input), self._codec)

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        found = await super().describe_workflow(input)
        open_in(found.raw_description, self._codec)
        return found


class _Events(WorkflowHistoryEventAsyncIterator):
    """The events of another iterator, opened."""

    def __init__(self, inner: WorkflowHistoryEventAsyncIterator, codec: Encryption) -> None:
        super().__init__(inner._client, inner._input)
        self._codec = codec

    async def __anext__(self) -> HistoryEvent:
        event = await super().__anext__()
        open_in(event, self._codec)
        return event


def opened(events: Iterable[HistoryEvent], codec: Encryption) -> tuple[HistoryEvent, ...]:
    """Copy events with all that is sealed in them opened. Raises MissingKey."""
    copies = tuple(HistoryEvent.FromString(e.SerializeToString()) for e in events)
    for copy in copies:
        open_in(copy, codec)
    return copies


def open_in(message: Message, codec: Encryption) -> None:
    """Open, in place, whatever is sealed in a message. Raises MissingKey.

    What a signal brought stays sealed without its key: anybody may send one that names any key.
    """
    sent = isinstance(message, HistoryEvent) and message.HasField(_SIGNAL)
    for one in found_in(message, Payload):
        with suppress(*((MissingKey,) if sent else ())):
            if (clear := codec.opened(one)) is not one:
                one.CopyFrom(clear)
    in_words(message)


def in_words(message: Message) -> None:
    """Put, in place, what failures say back where it is looked for: message and stack trace."""
    for failure in found_in(message, Failure):
        while failure.HasField("encoded_attributes") or failure.HasField("cause"):
            _tell(failure)
            failure = failure.cause


def _tell(failure: Failure) -> None:
    if not failure.HasField("encoded_attributes"):
        return
    with suppress(ValueError, AttributeError):  # it is not what the SDK's converter writes
        said = json.loads(failure.encoded_attributes.data)
        failure.message, failure.stack_trace = said.get("message", ""), said.get("stack_trace", "")
    failure.ClearField("encoded_attributes")


def found_in(message: Message, kind: type[M]) -> Iterator[M]:
    """Find every message of a kind in a message, wherever it stands."""
    if isinstance(message, kind):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            inner = (
                value.values() if field.message_type.fields_by_name["value"].message_type else ()
            )
        else:
            inner = value if field.is_repeated else (value,)
        for one in inner:
            yield from found_in(one, kind)
