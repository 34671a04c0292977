"""Heartbeats for every activity, and the context each one runs in."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.converter import default
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
)

from runtime.context import CallContext, enter_call
from store.errors import StoreAway
from workflows.data.common import (
    BRANCH_HEADER,
    ONE_AT_A_TIME,
    ORIGIN_HEADER,
    PAYER_HEADER,
    SCOPE_HEADER,
    SHADOW,
)

INTERVAL = 1.0
"""Seconds between beats; the heartbeat timeout is five times that."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(seconds=60)
"""Before another attempt while the store is away; four times as long after each."""

log = structlog.get_logger(__name__)


class Heartbeats(ActivityInboundInterceptor):
    """Beats once a second while an activity runs, repeating the details it last gave itself.

    Beats go through the interceptor's own outbound: `activity.heartbeat()` called from the event
    loop for a synchronous activity would block.
    """

    def __init__(self, following: ActivityInboundInterceptor, worker: str) -> None:
        super().__init__(following)
        self._worker = worker

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        """Keep the outbound to beat through."""
        self._outbound = _Remembering(outbound)
        super().init(self._outbound)

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        """Run the activity with beats, its call context, and its ids on every log line."""
        self._enter(activity.info(), input.headers)
        beating = asyncio.create_task(self._beat())
        log.debug("call started")
        try:
            result = await super().execute_activity(input)
            log.info("call finished")
            return result
        except Exception as error:
            log.warning("call failed", error=type(error).__name__)
            if isinstance(error, StoreAway):
                raise _unavailable(error, activity.info().attempt) from error
            raise
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    def _enter(self, info: activity.Info, headers: Mapping[str, Payload]) -> None:
        scope = _text(headers, SCOPE_HEADER) or info.workflow_id or info.activity_id
        branch = _text(headers, BRANCH_HEADER)
        enter_call(
            CallContext(
                scope,
                branch,
                self._worker,
                info.attempt,
                info.activity_type,
                tuple(_text(headers, ORIGIN_HEADER).split()),
                tenant=info.priority.fairness_key or "",
                weight=info.priority.fairness_weight or 1.0,
                priority=info.priority.priority_key or 3,
                payer=_text(headers, PAYER_HEADER),
                one_at_a_time=ONE_AT_A_TIME in headers,
                shadow=SHADOW in headers,
                beat=self._outbound.heartbeat,
            )
        )
        structlog.contextvars.bind_contextvars(
            workflow_id=info.workflow_id, run_id=info.workflow_run_id
        )

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            self._outbound.again()


class _Remembering(ActivityOutboundInterceptor):
    """Keeps the details of the activity's last own heartbeat."""

    def __init__(self, following: ActivityOutboundInterceptor) -> None:
        super().__init__(following)
        self._details: tuple[Any, ...] = ()

    def heartbeat(self, *details: Any) -> None:
        self._details = details
        super().heartbeat(*details)

    def again(self) -> None:
        super().heartbeat(*self._details)


def _unavailable(away: StoreAway, attempt: int) -> ApplicationError:
    wait = min(FIRST_WAIT * 4 ** min(attempt - 1, 4), LONGEST_WAIT)
    return ApplicationError(str(away), type="StoreUnavailable", next_retry_delay=wait)


def _text(headers: Mapping[str, Payload], name: str) -> str:
    payload = headers.get(name)
    if payload is None:
        return ""
    return str(default().payload_converter.from_payload(payload, str))
