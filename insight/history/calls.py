"""Activities in a history: what was asked of whom, how often it was tried, what it cost."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from google.protobuf.duration_pb2 import Duration
from temporalio.api.common.v1 import RetryPolicy
from temporalio.api.history.v1 import HistoryEvent

from insight.history import payloads
from insight.history.drafts import Book, when
from insight.history.spans import SpanKind, SpanState

MODEL_CALL = "ask_model"
"""The activity whose answer carries `usd` and `reused`."""
STEP, BULK = "run_step", "run_bulk"
"""The activities that run a fused step, once or for items of a spread: their input names the step,
their result says what models took.
"""

_STEEPEST = 1000
"""Retries after which a pause that still grows is taken for the longest there is."""

_MOST = 10**12
"""No true number of tokens, seconds or dollars is as large."""


def scheduled(book: Book, event: HistoryEvent) -> None:
    """Begin an activity; a fused step goes by its own name, a model call names its model."""
    asked = event.activity_task_scheduled_event_attributes
    name = asked.activity_type.name
    more = {"queue": asked.task_queue.name}
    if name in (STEP, BULK):
        name = _text(payloads.fields(asked.input.payloads).get("step")) or name
    elif name == MODEL_CALL:
        target = payloads.fields(asked.input.payloads).get("target")
        if isinstance(target, Mapping):
            more |= {key: _text(target.get(key)) for key in ("vendor", "model")}
    book.asked[event.event_id] = event
    book.begin(SpanKind.ACTIVITY, name, event, asked.header, **more)


def started(book: Book, event: HistoryEvent) -> None:
    """Note the last start of an activity, and the pauses its retries waited for."""
    begun = event.activity_task_started_event_attributes
    key, failure = begun.scheduled_event_id, begun.last_failure
    if (asked := book.asked.get(key)) is None:
        return
    info = failure.application_failure_info
    last = _seconds(info.next_retry_delay) if info.HasField("next_retry_delay") else None
    policy = asked.activity_task_scheduled_event_attributes.retry_policy
    pauses = planned_pauses(policy, begun.attempt, last)
    book.change(
        SpanKind.ACTIVITY,
        key,
        started=when(event),
        attempt=begun.attempt,
        worker=begun.identity,
        retried_for=payloads.reason(failure),
        backoff=_within(pauses, when(event) - when(asked)),
    )


def completed(book: Book, event: HistoryEvent) -> None:
    """Close an activity with what its answer says of models: cost, tokens, wait for a permit."""
    done = event.activity_task_completed_event_attributes
    key = done.scheduled_event_id
    closing = {"ended": when(event), "state": SpanState.COMPLETED, "closing": event.event_id}
    book.change(SpanKind.ACTIVITY, key, **closing)
    asked = book.asked.get(key)
    name = asked.activity_task_scheduled_event_attributes.activity_type.name if asked else ""
    if asked is not None and name in (MODEL_CALL, STEP, BULK):
        answer = payloads.fields(done.result.payloads)
        if name != MODEL_CALL:
            book.change(SpanKind.ACTIVITY, key, **_of_step(answer))
        else:
            _answered(book, key, payloads.question(asked), answer, when(event))


def _answered(
    book: Book, key: int, question: payloads.Question, answer: Mapping[str, object], ended: datetime
) -> None:
    """Note what a model's answer took; what an earlier call paid for counts nothing again."""
    usd, reused = _dollars(answer.get("usd")), answer.get("reused") is True
    used = _tokens(answer.get("usage"))
    window = _count(answer.get("window"))
    share = sum(used.values()) / window if window else None
    if reused and question in book.paid:
        usd = Decimal(0)
    free = usd == 0 and answer.get("priced") is not False
    if answer.get("cached") is True or (reused and (free or question in book.paid)):
        used = dict.fromkeys(used, 0)  # another call's or case's: it is counted there
    if usd is not None:
        book.paid.add(question)
    begun = book.drafts[SpanKind.ACTIVITY, key].get("started") or ended
    limited = _within(_number(answer.get("waited")), ended - begun)
    more = {"window_share": share, "limited": limited}
    book.change(SpanKind.ACTIVITY, key, usd=usd, reused=reused, **used, **more)


def _of_step(answer: Mapping[str, object]) -> dict[str, object]:
    """Read what the model calls inside a fused step took; nothing if it made none."""
    spent = answer.get("spent")
    if not isinstance(spent, Mapping):
        return {}
    return {"usd": _dollars(spent.get("usd")), **_tokens(spent)}


def planned_pauses(policy: RetryPolicy, attempt: int, last: float | None = None) -> float:
    """Sum the pauses before the last of so many attempts, in seconds.

    What the policy leaves open is the server's default: one second, doubled each time, at most a
    hundred times the first. `last` is the final pause, where a failure asked for one.
    """
    pause = _seconds(policy.initial_interval) or 1.0
    most = _seconds(policy.maximum_interval) or 100 * pause
    growth = policy.backoff_coefficient if policy.backoff_coefficient >= 1 else 2.0
    left, total = attempt - 1, 0.0
    if last is not None and left > 0:
        left, total = left - 1, last
    for _ in range(min(left, _STEEPEST)):
        if pause >= most:
            break
        total, pause, left = total + pause, pause * growth, left - 1
    return total + min(pause, most) * max(left, 0)


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


def _within(seconds: float, most: timedelta) -> timedelta:
    """Make a length of time of what is told, no longer than it can have been."""
    longest = max(most, timedelta()).total_seconds()
    return timedelta(seconds=min(max(seconds, 0.0), longest))


def _tokens(usage: object) -> dict[str, int]:
    known = usage if isinstance(usage, Mapping) else {}
    return {name: _count(known.get(name)) for name in ("input_tokens", "output_tokens")}


def _count(found: object) -> int:
    return found if isinstance(found, int) and 0 < found < _MOST else 0


def _number(found: object) -> float:
    return float(found) if isinstance(found, int | float) and 0 < found < _MOST else 0.0


def _text(found: object) -> str:
    return found if isinstance(found, str) else ""


def _dollars(found: object) -> Decimal | None:
    if not isinstance(found, str | int | float) or isinstance(found, bool):
        return None
    try:
        usd = Decimal(str(found))
    except InvalidOperation:
        return None
    return usd if usd.is_finite() and abs(usd) < _MOST else None
