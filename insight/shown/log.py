"""The log of a run: a line for everything that began, was tried, failed, ended or came in."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime

from insight.history.pending import Now
from insight.history.spans import WORK, Span, SpanKind, SpanState, Status
from insight.report import Report
from insight.shown.words import dollars, length
from workflows.data.common import Record


class LogLine(Record):
    """Something that happened. `event` is the event that tells of it, 0 where none does alone.

    `what` is a word or two of a small set; `detail` says more in words. `attempt` is 0 where none
    is known. `at` is the server's time, but the worker's for local activities.
    """

    at: AwareDatetime
    branch: str = ""
    kind: str = ""
    name: str
    what: str
    detail: str = ""
    attempt: int = 0
    worker: str = ""
    queue: str = ""
    vendor: str = ""
    model: str = ""
    event: int = 0
    span: int = 0

    def written(self) -> str:
        """Write it as one line of text: time, branch, name, what happened."""
        who = " ".join(word for word in (self.vendor, self.model) if word)
        tried = f"attempt {self.attempt}" if self.attempt > 1 else ""
        at = f"by {self.worker}" if self.worker else ""
        more = ", ".join(word for word in (tried, who, at, self.detail) if word)
        line = f"{self.at:%Y-%m-%d %H:%M:%S.%f}"[:-3]
        line += f"  {self.branch or '(case)':<20}  {self.name:<20}  {self.what}"
        return f"{line}: {more}" if more else line


def log(report: Report, branch: str = "") -> tuple[LogLine, ...]:
    """Give the log in true order: by time, at one time by event. `branch` gives one and its subs.

    A history tells of the last attempt of an activity only, and not before it ended: earlier ones
    are told with it, by why the one before failed.
    """
    found = [*_of_run(report)] if not branch else []
    for span in report.spans:
        if _within(span, branch):
            found += _of_span(span)
    return tuple(sorted(found, key=lambda line: (line.at, line.event or line.span)))


def retries(report: Report, now: Now, branch: str = "") -> Iterator[LogLine]:
    """Tell of attempts that failed already, which a history tells only at the end."""
    for span in report.spans:
        told = now.pending.get(span.id)
        if told is not None and told.attempt > 1 and _within(span, branch):
            more = {"what": "retried", "attempt": told.attempt, "detail": f"after {told.failure}"}
            at = told.since or report.until
            yield LogLine.model_validate(_told(span) | more | {"at": at, "worker": told.worker})


def branches(report: Report) -> tuple[str, ...]:
    """Name the branches of a run, in the order in which they began."""
    return tuple(line.name for line in report.branches if line.name)


def _of_run(report: Report) -> Iterator[LogLine]:
    yield LogLine(at=report.started, name=report.process, kind="workflow", what="started", event=1)
    for task in report.tasks:
        if task.error and task.ended:
            told = {"name": "workflow task", "kind": "workflow", "detail": task.error}
            yield LogLine(at=task.ended, what="failed", event=task.id, **told)
    if report.ended and report.status is not Status.RUNNING:
        what = report.status.value.replace("_", " ")
        last = {"kind": "workflow", "what": what, "event": report.events}
        yield LogLine(at=report.ended, name=report.process, **last)


def _of_span(span: Span) -> Iterator[LogLine]:
    told = _told(span)
    if span.kind is SpanKind.SIGNAL:
        yield LogLine(at=span.scheduled, what="message came in", event=span.id, **told)
        return
    begun = _BEGUN.get(span.kind, "scheduled")
    target = {"queue": span.queue, "vendor": span.vendor, "model": span.model}
    if span.kind is not SpanKind.LOCAL:
        yield LogLine(at=span.scheduled, what=begun, event=span.id, **told, **target)
    if span.started is not None and span.kind in WORK:
        yield LogLine(
            at=span.started,
            what="started",
            attempt=span.attempt,
            worker=span.worker,
            detail=_before(span),
            **told,
        )
    if span.ended is not None and span.state is not SpanState.ABANDONED:
        yield _end(span, span.ended, told)


def _told(span: Span) -> dict[str, Any]:
    return {"branch": span.branch, "name": span.name, "kind": span.kind.value, "span": span.id}


def _within(span: Span, branch: str) -> bool:
    return not branch or span.branch == branch or span.branch.startswith(f"{branch}/")


def _end(span: Span, ended: datetime, told: Mapping[str, object]) -> LogLine:
    done = _DONE.get(span.kind, "completed")
    what = done if span.state is SpanState.COMPLETED else span.state.value.replace("_", " ")
    cost = f"{dollars(span.usd)} US$" if span.usd else "reply read back" if span.reused else ""
    took = length(span.run) if span.run is not None and span.kind in WORK else ""
    detail = span.error or ", ".join(word for word in (took, cost) if word)
    more = {"at": ended, "what": what, "detail": detail, "event": span.closing, **told}
    return LogLine.model_validate(more | {"attempt": span.attempt if span.kind in WORK else 0})


def _before(span: Span) -> str:
    """Say what went before the last attempt: why the one before failed, and how long it took."""
    if span.attempt <= 1 or span.started is None:
        return ""
    lost = span.started - span.scheduled
    words = [f"after {span.retried_for}"] if span.retried_for else []
    return ", ".join([*words, f"{length(lost)} lost"] if lost > timedelta() else words)


_BEGUN = {
    SpanKind.TIMER: "timer set",
    SpanKind.UPDATE: "update came in",
    SpanKind.SENT: "message sent",
}
_DONE = {SpanKind.TIMER: "timer fired", SpanKind.UPDATE: "answered", SpanKind.SENT: "delivered"}
