"""Countable proofs about a history."""

from temporalio.api.enums.v1 import EventType

from insight.history.payloads import Question, branch, question
from insight.history.reader import Events


def completed_again(events: Events) -> int:
    """Count activities scheduled although the same one had completed in this history.

    The same means: activity type, every input payload's bytes and branch agree. Input encrypted
    with a random nonce never agrees, so count on clear or deterministic payloads only. A process
    that asks the same thing twice on purpose is counted too.
    """
    asked: dict[int, tuple[str, Question]] = {}
    completed: set[tuple[str, Question]] = set()
    again = 0
    for event in events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            header = event.activity_task_scheduled_event_attributes.header
            asked[event.event_id] = branch(event, header), question(event)
            again += asked[event.event_id] in completed
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
            done = event.activity_task_completed_event_attributes.scheduled_event_id
            if done in asked:
                completed.add(asked[done])
    return again
