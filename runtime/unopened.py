"""What a worker has no key for, or what is gone: a message is refused, all else is waited for.

Anybody may send a case a message that names a key or a document there never was; that must not keep
it from going on. So a worker's codec and storage do not raise, but give a payload that says so,
which nobody can read. A workflow task with one in it fails as a whole until what is missing is
there: it is an input, a result, or a message that was taken when it still was. A message that has
just come is refused instead. A refused signal stands in the history, so a marker beside it says
that it was refused: it stays so when the key comes after all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import structlog
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import Client
from temporalio.converter import DataConverter, ExternalStorage

from runtime.conversion import UNOPENED
from runtime.encryption import Encryption
from runtime.keys import MissingKey
from runtime.opening import found_in
from store.errors import BlobGone
from workflows.data.common import UNREAD

_ENCODING = UNOPENED.encode()

log = structlog.get_logger(__name__)


class Unread(RuntimeError):
    """Something a case needs cannot be read; the message says what is missing."""


class Handing(Encryption):
    """A codec that gives what it has no key for as a payload that says so."""

    def opened(self, payload: Payload) -> Payload:
        """Open one payload."""
        try:
            return super().opened(payload)
        except MissingKey as missing:
            return _said(missing)


class HandingStorage(ExternalStorage):
    """Storage that gives what is not there, or was never, as a payload that says so."""

    async def _retrieve_payload_sequence(self, payloads: Sequence[Payload]) -> list[Payload]:
        try:
            return await super()._retrieve_payload_sequence(payloads)
        except _NEVER as gone:
            if len(payloads) == 1:
                return [_said(gone)]
        return [(await self._retrieve_payload_sequence([one]))[0] for one in payloads]


_NEVER = (BlobGone, LookupError, ValueError, TypeError, RuntimeError, json_format.Error)
"""What a reference to nothing raises: no further try helps."""


def _said(missing: Exception) -> Payload:
    return Payload(metadata={"encoding": _ENCODING}, data=str(missing).encode())


def handing(converter: DataConverter) -> DataConverter:
    """Give the converter of a worker or replayer, whose instances are `Guarded`."""
    codec, storage = converter.payload_codec, converter.external_storage
    if isinstance(codec, Encryption):
        converter = replace(converter, payload_codec=Handing(codec.ring, writes=codec.writes))
    if storage is not None:
        converter = replace(converter, external_storage=HandingStorage(storage.drivers))
    return converter


def serving(client: Client) -> Client:
    """Give the client of a worker whose workflow instances are `Guarded`."""
    config = client.config()
    config["data_converter"] = handing(client.data_converter)
    return Client(**config)


class Guarded:
    """What stands before an instance: refuses messages nobody can read, and waits for all else."""

    def __init__(self, instance: Any) -> None:
        self._activate = instance.activate
        self._signals = 0
        self._markers = set[str]()

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Pass an activation on. Raises Unread, which fails the workflow task."""
        unread = _ENCODING in act.SerializeToString()
        refused = list(self._refused(act, unread=unread))
        completion: WorkflowActivationCompletion = self._activate(act)
        if completion.HasField("successful"):
            for place, name in enumerate(refused):
                command = WorkflowCommand()
                command.set_patch_marker.patch_id = name
                completion.successful.commands.insert(place, command)
        return completion

    def _refused(self, act: WorkflowActivation, *, unread: bool) -> Iterator[str]:
        """Empty the signals that are refused, and give the names of their markers."""
        self._markers.update(job.notify_has_patch.patch_id for job in act.jobs)
        for job in act.jobs:
            missing = _missing(job) if unread else ""
            if job.HasField("signal_workflow"):
                self._signals += 1
                name = f"{UNREAD}-{self._signals}"
                if name in self._markers if act.is_replaying else missing:
                    del job.signal_workflow.input[:]
                    job.signal_workflow.headers[UNREAD].CopyFrom(Payload())
                    yield name
                    continue
            elif job.do_update.run_validator or job.HasField("query_workflow"):
                if missing:  # the converter refuses it, and nothing of it stays in the history
                    named = job.do_update.name or job.query_workflow.query_type
                    log.warning("message refused", message_name=named, run_id=act.run_id)
                continue
            if missing:
                log.error("something cannot be read", missing=missing, run_id=act.run_id)
                raise Unread(missing)


def of_refusal(command: WorkflowCommand) -> bool:
    """Say whether a command is the marker of a refused signal, which no code of a case gave."""
    return command.set_patch_marker.patch_id.startswith(UNREAD)


def _missing(job: WorkflowActivationJob) -> str:
    """Say what is missing to read a job; nothing if it can be read."""
    found = (p for p in found_in(job, Payload) if p.metadata.get("encoding") == _ENCODING)
    return next((p.data.decode(errors="replace") for p in found), "")
