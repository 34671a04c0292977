"""Read every JSON history of a folder and print one JSON line for each.

`.venv/bin/python bench/histories.py DIR` takes any folder of the shape of ../shared/data/histories,
whether it has an index.csv or not. Fields are named as there; besides, `edges` counts what
triggered what (certain and possible), and `path` is the critical path: of which step, spent on
what, for how many seconds. A file that holds no history gives a line with `error`. Exit code 2 if
DIR is no folder, 1 if a history could not be explained.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from temporalio.api.enums.v1 import EventType

from insight.graph.flow import Certainty
from insight.history.book import CLOSED_AS
from insight.history.dialects import event_from_json
from insight.history.drafts import attributes, when
from insight.history.reader import Events, NotAHistory, written
from insight.history.spans import SpanKind, Status
from insight.report import Report, report

STATUS = {
    Status.RUNNING: "Running/open",
    Status.COMPLETED: "Completed",
    Status.FAILED: "Failed",
    Status.TIMED_OUT: "TimedOut",
    Status.CANCELLED: "Canceled",
    Status.TERMINATED: "Terminated",
    Status.CONTINUED: "ContinuedAsNew",
}
COUNTED = {
    "activities": SpanKind.ACTIVITY,
    "children": SpanKind.CHILD,
    "timers": SpanKind.TIMER,
    "signals": SpanKind.SIGNAL,
    "updates": SpanKind.UPDATE,
    "nexus": SpanKind.NEXUS,
}
VERSIONS, EFFECTS = {"Version", "core_patch"}, {"SideEffect", "MutableSideEffect"}
LOCALS = {"LocalActivity", "core_local_activity"}


def line(file: Path, name: str) -> dict[str, Any]:
    """Say what the index says of a file, and what its graph says; `error` for no history."""
    try:
        text = file.read_bytes()
        raw = written(text)
    except (NotAHistory, OSError) as error:
        return {"file": name, "error": str(error)}
    histories = [_as_written(run) for run in raw]
    reports = [report(events) for events in histories]
    events = [event for run in histories for event in run]
    return {
        "file": name,
        "histories": len(histories),
        **counts(histories, reports),
        **_form([event for run in raw for event in run]),
        "bytes": len(text),
        "edges": _edges(reports),
        "path": [part for known in reports for part in _path(known)],
        "run_s": sum((known.until - known.started).total_seconds() for known in reports),
        "lower_bound_s": sum(known.flow.lower_bound.total_seconds() for known in reports),
        "extra": _extra(events),
    }


def _as_written(run: Sequence[Mapping[str, object]]) -> Events:
    """Keep events in the order of the file, a descending one turned round.

    Only a sampler of several runs has another order than that of its ids.
    """
    events = tuple(map(event_from_json, run))
    ids = [event.event_id for event in events]
    down = ids[0] > ids[-1] and all(a >= b for a, b in pairwise(ids))
    return events[::-1] if down else events


def counts(histories: Sequence[Events], reports: Sequence[Report]) -> dict[str, Any]:
    """Count what the index counts: sums over all histories of a file, but the most of any.

    `histories` are in the order of the file: what closes first there is the status.
    """
    events = [event for run in histories for event in run]
    spans = [span for known in reports for span in known.spans]
    markers = Counter(
        attributes(e).marker_name for e in events if e.event_type == _E.EVENT_TYPE_MARKER_RECORDED
    )
    times = [[when(event) for event in run] for run in histories]
    found = {name: sum(s.kind is kind for s in spans) for name, kind in COUNTED.items()}
    most_open = max(_most_open(run) for run in histories)
    attempts = [e.activity_task_started_event_attributes.attempt for e in events]
    closed = [CLOSED_AS[e.event_type] for e in histories[-1] if e.event_type in CLOSED_AS]
    return {
        "events": len(events),
        "kind": "|".join(_kinds(events, found, markers, most_open, max(attempts, default=0))),
        "status": STATUS[closed[0] if closed else Status.RUNNING],
        "distinct_types": len({event.event_type for event in events}),
        **found,
        "max_open": most_open,
        "max_attempt": max(attempts, default=0),
        "wft_failed": sum(e.event_type in (_TASK_FAILED, _TASK_TIMED_OUT) for e in events),
        "markers": ";".join(f"{name}={count}" for name, count in markers.most_common()),
        "duration_s": round(sum((max(t) - min(t)).total_seconds() for t in times), 6),
    }


_E = EventType
_TASK_FAILED = _E.EVENT_TYPE_WORKFLOW_TASK_FAILED
_TASK_TIMED_OUT = _E.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
_OPENED = {
    _E.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    _E.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
}
_CLOSED = {
    _E.Value(f"EVENT_TYPE_{name}")
    for name in (
        *(f"ACTIVITY_TASK_{how}" for how in ("COMPLETED", "FAILED", "TIMED_OUT", "CANCELED")),
        *(
            f"CHILD_WORKFLOW_EXECUTION_{how}"
            for how in ("COMPLETED", "FAILED", "TIMED_OUT", "CANCELED", "TERMINATED")
        ),
        "START_CHILD_WORKFLOW_EXECUTION_FAILED",
    )
}
_NAMED = {
    "signal-external": {"SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED"},
    "cancel": {
        "WORKFLOW_EXECUTION_CANCEL_REQUESTED",
        "ACTIVITY_TASK_CANCEL_REQUESTED",
        "TIMER_CANCELED",
    },
    "activity-failed": {"ACTIVITY_TASK_FAILED"},
    "activity-timeout": {"ACTIVITY_TASK_TIMED_OUT"},
    "activity-canceled": {"ACTIVITY_TASK_CANCELED"},
    "wft-failed": {"WORKFLOW_TASK_FAILED"},
    "wft-timeout": {"WORKFLOW_TASK_TIMED_OUT"},
    "search-attr": {"UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"},
    "props": {"WORKFLOW_PROPERTIES_MODIFIED"},
}
_PLURAL = {"activity": "activities", "child": "children", "nexus": "nexus"}


def _most_open(events: Events) -> int:
    """Count the most activities and children open at once, in the order of the events."""
    most = now = 0
    for event in events:
        now += (event.event_type in _OPENED) - (event.event_type in _CLOSED)
        most = max(most, now)
    return most


def _kinds(
    events: Sequence[Any],
    found: Mapping[str, int],
    markers: Mapping[str, int],
    most_open: int,
    most_attempts: int,
) -> Iterable[str]:
    types = {_E.Name(e.event_type).removeprefix("EVENT_TYPE_") for e in events if e.event_type}
    for word in ("activity", "child", "timer", "signal", "signal-external", "update", "nexus"):
        if found.get(_PLURAL.get(word, f"{word}s")) or _NAMED.get(word, set()) & types:
            yield word
    later = [(word, names) for word, names in _NAMED.items() if word != "signal-external"]
    yield from (word for word, names in later if names & types)
    for word, names in (("local-activity", LOCALS), ("versioning", VERSIONS)):
        if names & set(markers):
            yield word
    if EFFECTS & set(markers):
        yield "side-effect"
    if most_attempts > 1:
        yield "retry"
    if most_open > 1:
        yield "parallel"


def _form(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Say how the events are written: style of enums, order, gaps between ids."""
    ids = [int(event.get("eventId", event.get("event_id", 0))) for event in events]
    up = all(a <= b for a, b in pairwise(ids))
    down = all(a >= b for a, b in pairwise(ids))
    kinds = [str(e.get("eventType", e.get("event_type", ""))) for e in events]
    return {
        "style": "screaming" if kinds[0].startswith("EVENT_TYPE_") else "pascal",
        "order": "asc" if up else "desc" if down else "mixed",
        "id_gaps": "" if len(set(ids)) == max(ids) - min(ids) + 1 == len(ids) else "yes",
    }


def _extra(events: Sequence[Any]) -> str:
    """Say what the first event tells of where the run came from."""
    began = [e for e in events if e.event_type == _E.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED]
    words = []
    for first in (event.workflow_execution_started_event_attributes for event in began[:1]):
        words += ["is a child"] if first.parent_workflow_execution.run_id else []
        words += ["continued from earlier run"] if first.continued_execution_run_id else []
        words += [f"workflow attempt {first.attempt}"] if first.attempt > 1 else []
    return "; ".join(words)


def _edges(reports: Iterable[Report]) -> dict[str, int]:
    found = Counter(edge.certainty for known in reports for edge in known.flow.edges)
    return {"number": found.total(), **{kind.value: found[kind] for kind in Certainty}}


def _path(known: Report) -> Iterable[tuple[str, str, float]]:
    names = {span.id: span.name for span in known.spans}
    for part in known.flow.path:
        yield names.get(part.span, ""), part.wait, round((part.end - part.start).total_seconds(), 6)


def main() -> int:
    """Print a line per file."""
    parser = argparse.ArgumentParser(prog="bench/histories.py", description=__doc__)
    parser.add_argument("dir", type=Path, help="a folder with histories, at any depth")
    folder: Path = parser.parse_args().dir
    if not folder.is_dir():
        sys.stderr.write(f"{folder}: no folder; name one with histories as JSON in it\n")
        return 2
    code = 0
    for file in sorted(folder.rglob("*.json")):
        name = file.relative_to(folder).as_posix()
        try:
            told = line(file, name)
        except Exception as bug:  # one file must not cost the lines of the others
            told, code = {"file": name, "error": f"{type(bug).__name__}: {bug}"}, 1
        print(json.dumps(told), flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
