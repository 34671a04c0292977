"""The decision record of a run by choices, as its result tells it."""

from collections.abc import Sequence

from pydantic import ValidationError
from temporalio.api.history.v1 import HistoryEvent

from insight.history.payloads import fields
from workflows.data.blueprints.decided import Decided


def decided(events: Sequence[HistoryEvent]) -> Decided | None:
    """Read it from the last events; None of a run that is open, failed, encrypted, or had none."""
    for event in events:
        ended = event.workflow_execution_completed_event_attributes
        if (found := fields(ended.result.payloads).get("decided")) is not None:
            try:
                return Decided.model_validate(found)
            except ValidationError:
                return None
    return None
