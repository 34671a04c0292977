"""Steps: what a run of a blueprint teaches of each of its steps, and of the run.

Under the process `blueprint`, of a blueprint `quiz` with a step `sum`: `quiz@sum` is the step, as
often as it happened; with `for_each`, `quiz@sum/each` is each item; `quiz@/run` is the whole run,
and `quiz@/coordination` what the engine took for each step on its critical path.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from pydantic import AwareDatetime
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from insight.graph.causality import causes
from insight.graph.critical import critical_path
from insight.graph.flow import Wait
from insight.graph.network import Network
from insight.graph.news import texts
from insight.history.drafts import when
from insight.history.spans import WORK, Span, SpanState
from insight.history.tasks import tasks
from insight.learned.attempts import Attempt, Ending, StepKey

BLUEPRINT = "blueprint"
"""The workflow type of every blueprint."""
EACH, RUN, COORDINATION = "/each", "/run", "/coordination"
_LEFT_OUT = ("skipped", "not_started")
_ENGINE = (Wait.TASK, Wait.QUEUE)


def of_steps(
    events: Sequence[HistoryEvent], found: Sequence[Span], *, simulated: bool
) -> Iterator[Attempt]:
    """Read what a run that came to its result teaches; nothing of others.

    A step that calls nothing teaches only that it happened. Nothing is learned where the case or
    its result cannot be read.
    """
    if not events or events[-1].event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
        return
    case, result = _read(events[0]), _read(events[-1])
    try:
        name, steps, ends = case["blueprint"]["name"], case["blueprint"]["steps"], result["steps"]
    except (KeyError, TypeError):
        return
    teaching = _Teaching(str(name), when(events[-1]), simulated)
    yield teaching.whole(RUN, when(events[-1]) - when(events[0]))
    yield from _coordination(teaching, events, found)
    for step, end in ends.items():
        mine = [span for span in found if _is_of(span, step)]
        if mine or end["state"] not in _LEFT_OUT:
            yield teaching.step(step, mine)
        if steps.get(step, {}).get("for_each"):
            for item in dict.fromkeys(span.branch for span in mine):
                yield teaching.step(step + EACH, [s for s in mine if s.branch == item])


def _read(event: HistoryEvent) -> Any:
    return next((json.loads(text) for text in texts(event)), None)


def _is_of(span: Span, step: str) -> bool:
    return span.kind in WORK and span.branch.partition("/")[0] == step and bool(span.ended)


class _Teaching:
    """Makes attempts of one run."""

    def __init__(self, name: str, at: AwareDatetime, simulated: bool) -> None:
        self.name, self.at, self.simulated = name, at, simulated

    def whole(self, what: str, took: timedelta | None, **more: Any) -> Attempt:
        step = f"{self.name}@{what}"
        key = StepKey(process=BLUEPRINT, step=step, simulated=self.simulated)
        seconds = None if took is None else max(took.total_seconds(), 0.0)
        return Attempt(key=key, at=self.at, ending=Ending.DONE, seconds=seconds, **more)

    def step(self, what: str, mine: Sequence[Span]) -> Attempt:
        """Give one doing of a step: from its first call's start to its last one's end, without
        waits for permits. Replies read back tell no time.
        """
        if not mine or any(span.started is None or span.reused for span in mine):
            return self.whole(what, None)
        last = max(mine, key=lambda span: span.ended or span.scheduled)
        begun = min(span.started or span.scheduled for span in mine)
        took = (last.ended or last.scheduled) - begun
        if last.state is not SpanState.COMPLETED:
            return self.whole(what, None, failed=1).model_copy(update={"ending": Ending.FAILED})
        return self.whole(
            what,
            took - (last.limited if len(mine) == 1 else timedelta()),
            input_tokens=sum(span.input_tokens for span in mine),
            output_tokens=sum(span.output_tokens for span in mine),
        )


def _coordination(
    teaching: _Teaching, events: Sequence[HistoryEvent], found: Sequence[Span]
) -> Iterator[Attempt]:
    turns, started, until = tasks(tuple(events)), when(events[0]), when(events[-1])
    edges = causes(tuple(events), found).edges
    path = critical_path(Network(found, edges, started, {}, turns), turns, until)
    works = {span.id for span in found if span.kind in WORK}
    steps = {segment.span for segment in path} & works
    if steps:
        took = (s.end - s.start for s in path if s.wait in _ENGINE)
        yield teaching.whole(COORDINATION, sum(took, timedelta()) / len(steps))
