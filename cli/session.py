"""A session: a connection to the service given, to this clone's stack, or to one of our own."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from temporalio.client import Client, WorkflowHandle
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import BadInput
from cli.processes import PROCESSES
from runtime.addresses import Addresses, running_stack
from runtime.connection import connect_given, connect_to, is_given
from runtime.documents import converter, kept_at
from runtime.encryption import codec_for
from runtime.logs import forwarded
from runtime.settings import Settings

if TYPE_CHECKING:
    from runtime.stack import Event, Stack

NO_SHADOW = "WorkflowId NOT STARTS_WITH 'shadow-'"
"""Leaves shadows out of a search for cases: they count as none."""


@dataclass(frozen=True)
class Session:
    """A connection. `addresses` is None for a service that is not this clone's."""

    client: Client
    settings: Settings
    addresses: Addresses | None
    stack: "Stack | None"
    """Set if we started the stack ourselves: it ends with this session."""

    def page(self, workflow_id: str) -> str:
        """Give the address of a case in the Temporal UI, empty if we do not know the UI."""
        if self.addresses is None:
            return ""
        return f"{self.addresses.ui}/namespaces/{self.client.namespace}/workflows/{workflow_id}"

    async def handle(self, case: str) -> WorkflowHandle[object, object]:
        """Find any workflow by its id, or the newest case whose case id it is. Raises BadInput."""
        plain = self.client.get_workflow_handle(case)
        try:
            await plain.describe()
            return plain
        except ValueError:  # a status this SDK does not know: paused
            return plain
        except RPCError as error:
            if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
                raise
        if case.replace("-", "").replace("_", "").isalnum():
            starts = (
                f"(WorkflowType = '{e.name}' AND WorkflowId STARTS_WITH '{e.prefix}-{case}-')"
                for e in PROCESSES
            )
            found = [w async for w in self.client.list_workflows(" OR ".join(starts))]
            if found:
                newest = max(found, key=lambda w: w.start_time)
                return self.client.get_workflow_handle(newest.id)
        raise BadInput(f"there is no case {case!r}; `starter.py list` shows those there are")


@asynccontextmanager
async def session(
    settings: Settings,
    *,
    profile: str | None = None,
    own: bool = False,
    speed: float = 1.0,
    spare: bool = False,
) -> AsyncIterator[Session]:
    """Connect: a service given explicitly, else this clone's stack, else start one for now.

    `own` ignores a service given explicitly (demo and tests); `spare` is for a stack that is
    started. Raises NoServer, BadInput.
    """
    _keep_output_clean()
    opened = kept_at(settings.database)
    if not own and is_given(profile):
        large = converter(opened, codec_for(settings, embedded=False))
        yield Session(await connect_given(profile, converter=large), settings, None, None)
        return
    if (found := running_stack(settings.data)) is not None:
        if settings.live and not found.live:
            raise BadInput(
                "the running stack was not started with --live; end it and start"
                " `starter.py stack --live`"
            )
        large = converter(opened, codec_for(found.fit(settings), embedded=True))
        yield Session(await connect_to(found.grpc, converter=large), settings, found, None)
        return
    from runtime.stack import Stack  # the servers of its pages: seldom needed

    say("starting the embedded stack (server, simulator, worker) ...")
    async with Stack(settings, speed=speed, spare=spare, tell=tell) as stack:
        here = replace(settings, simulator=stack.addresses.simulator)
        yield Session(stack.client, here, stack.addresses, stack)


@cache
def _keep_output_clean() -> None:
    """Have the SDK's core warn on standard error: by itself it writes to standard output."""
    runtime = Runtime(telemetry=TelemetryConfig(logging=forwarded()))
    Runtime.set_default(runtime, error_if_already_set=False)


def say(text: str) -> None:
    """Say something about progress, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def tell(event: "Event") -> None:
    """Say what the supervisor did."""
    say(f"stack: {event.part} {event.what}")
