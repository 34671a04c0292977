"""The orders a case gave for effects, as the histories of its family tell them."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter

from insight.statistics.acts import Act
from runtime.documents import readable
from workflows import calls
from workflows.data.effects import EffectReceipt

EFFECTS = {call.name for call in calls.ALL if call.output is EffectReceipt} - {calls.ANNOUNCE.name}
"""A case that tells others of itself does not act: its shadow is told of to nobody."""
REFUSED = "EffectRefused"
_BEGINS = {calls.MAIL.name: "mail:", calls.CHAT.name: "chat:"}


async def acts_in(
    histories: Iterable[Iterable[HistoryEvent]], converter: DataConverter
) -> tuple[Act, ...]:
    """Read what was ordered and taken, or refused; what came to nothing else is left out.

    An order given twice counts once: it is the same effect.
    """
    found: list[Act] = []
    for events in histories:
        async for act in _acts(events, converter):
            if act not in found:
                found.append(act)
    return tuple(found)


async def _acts(events: Iterable[HistoryEvent], converter: DataConverter) -> AsyncIterator[Act]:
    ordered: dict[int, HistoryEvent] = {}
    for event in events:
        asked = event.activity_task_scheduled_event_attributes
        failed = event.activity_task_failed_event_attributes
        done = event.activity_task_completed_event_attributes.scheduled_event_id
        if asked.activity_type.name in EFFECTS:
            ordered[event.event_id] = event
        elif failed.failure.application_failure_info.type == REFUSED:
            if (order := ordered.get(failed.scheduled_event_id)) is not None:
                yield await _act(order, converter, failed.failure.message or REFUSED)
        elif (order := ordered.get(done)) is not None:
            yield await _act(order, converter)


async def _act(event: HistoryEvent, converter: DataConverter, refused: str = "") -> Act:
    [known] = await readable([event], converter)
    asked = known.activity_task_scheduled_event_attributes
    (said,) = converter.payload_converter.from_payloads(asked.input.payloads)
    return Act(kind=_kind(asked.activity_type.name, said), said=said, refused=refused)


def _kind(call: str, said: Mapping[str, Any]) -> str:
    """Name the kind of effect as the ledger does."""
    if call == calls.ENDPOINT.name:
        return f"{said['endpoint']}{said['path'].partition('?')[0]}"
    return f"{_BEGINS.get(call, '')}{said.get('template') or said['action']}"
