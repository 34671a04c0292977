"""Messages that cannot be read, or do not fit what takes them: refused before our code sees them.

A wrong number of values is the one misfit the SDK hands on: it would end in a TypeError, which
leaves a workflow stuck.
"""

import inspect
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.worker import (
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    WorkflowInboundInterceptor,
)

from workflows.data.common import UNREAD
from workflows.errors import Refused
from workflows.scope import told


class FitMessages(WorkflowInboundInterceptor):
    """Refuses messages that nobody can read, or that carry too few or too many values."""

    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Hand a signal on, or keep why it was not, for the query `refusals`."""
        why = _miscounted("signals", input.signal, input.args)
        if UNREAD in input.headers:
            why = "its key, or what it refers to, is not here"
        if why is None:
            return await super().handle_signal(input)
        refuse = getattr(workflow.instance(), "refuse", None)
        if refuse is not None:
            refuse("unknown", input.signal, why)
        else:
            workflow.logger.warning("message refused", extra=told(message_name=input.signal))
        return None

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        """Validate an update. Raises Refused."""
        _check("updates", input.update, input.args)
        super().handle_update_validator(input)

    async def handle_query(self, input: HandleQueryInput) -> Any:
        """Answer a query. Raises Refused."""
        _check("queries", input.query, input.args)
        return await super().handle_query(input)


def _check(kind: str, name: str, values: Sequence[Any]) -> None:
    if (why := _miscounted(kind, name, values)) is not None:
        raise Refused(why)


def _miscounted(kind: str, name: str, values: Sequence[Any]) -> str | None:
    """Say why so many values do not fit a message; None if they do, or it is none of ours."""
    # The handlers the SDK gives out are wrapped: their own signatures take anything.
    known = workflow._Definition.must_from_class(type(workflow.instance()))
    if (defined := getattr(known, kind).get(name)) is None:
        return None
    wanted = inspect.signature(defined.fn)
    try:
        wanted.bind(workflow.instance(), *values)
    except TypeError:
        takes = ", ".join(list(wanted.parameters)[1:]) or "nothing"
        return f"{name} takes {takes}; {len(values)} values were sent"
    return None
