"""Any dialect of history JSON reads into the same events; anything else is refused in a line."""

import base64
import csv
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.client import WorkflowHistory

from bench.histories import line
from cli.histories import explained
from insight.history.payloads import value
from insight.history.reader import NotAHistory, ordered, read_histories, read_history
from insight.report import report
from insight.shown.html import page
from tests.insight.builder import Run, failure, payload

SHARED = Path(__file__).resolve().parents[3] / "shared"
HISTORIES = SHARED / "data" / "histories"


def index() -> list[dict[str, str]]:
    path = HISTORIES / "index.csv"
    if not path.exists():
        if os.environ.get("CI") == "true" and SHARED.exists():
            raise FileNotFoundError(path)
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["file"].endswith(".json")]


ROWS = index()


@pytest.mark.skipif(not ROWS, reason="the shared histories are not here")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_every_shared_history_reads_as_its_index_says(row: dict[str, str]) -> None:
    told = line(HISTORIES / row["file"], row["file"])
    assert "error" not in told
    unlike = {"shape", "loads", "note"}  # of the file and of other readers
    for name in row.keys() - unlike:
        if name == "duration_s":
            assert told[name] == pytest.approx(float(row[name])), name
        else:
            assert str(told[name]) == row[name], name
    assert sum(seconds for _, _, seconds in told["path"]) == pytest.approx(told["run_s"], abs=1e-4)


def sample() -> list[HistoryEvent]:
    run = Run()
    first = run.schedule("ask_model", 10, summary="credit: ask_model", inputs=[payload({"q": 1})])
    run.start(first, 20, attempt=2, after="no answer")
    run.complete(first, 30, payload({"usd": "0.5", "text": "ACED", "n": [1, "é"]}))
    second = run.schedule("lei_record", 30, branch="identity", inputs=[payload("World")])
    run.fail(second, 40, failure("gone", "Rejected"))
    run.fire(run.timer("5", 40), 50)
    run.signal("decide", 60)
    run.finish(70)
    run.events[-1].workflow_execution_completed_event_attributes.SetInParent()
    return run.events


Json = dict[str, Any]


def as_json() -> list[Json]:
    return [MessageToDict(event) for event in sample()]


def pascal(events: list[Json]) -> object:
    for event in events:
        words = event["eventType"].removeprefix("EVENT_TYPE_").split("_")
        event["eventType"] = "".join(word.capitalize() for word in words)
    return {"events": events}


def decoded(found: Any) -> Any:
    """Write encodings and values in the clear, as some exporters do."""
    if isinstance(found, list):
        return [decoded(item) for item in found]
    if not isinstance(found, dict):
        return found
    if "data" in found and "metadata" in found:
        value = json.loads(base64.b64decode(found["data"]))
        return {"metadata": {"encoding": "json/plain"}, "data": value}
    return {key: decoded(value) for key, value in found.items()}


def bare(found: Any) -> Any:
    """Write payloads as their values, as the command line does."""
    if isinstance(found, list):
        return [bare(item) for item in found]
    if not isinstance(found, dict):
        return found
    if "payloads" in found:
        return [json.loads(base64.b64decode(item["data"])) for item in found["payloads"]]
    if "data" in found and "metadata" in found:
        return json.loads(base64.b64decode(found["data"]))
    return {key: bare(value) for key, value in found.items()}


def decorated(events: list[Json]) -> object:
    for event in events:
        for name in [key for key in event if key.endswith("EventAttributes")]:
            event["attributes"] = {"type": name, **event.pop(name)}
        event["classification"] = "Completed"
    return events


def by_name(events: list[Json]) -> object:
    return {f"{event['eventType']}-{event['eventId']}": event for event in events}


DIALECTS: dict[str, Callable[[list[Json]], object]] = {
    "sdk": lambda events: {"events": events},
    "pascal": pascal,
    "bare list": lambda events: events,
    "wrapped": lambda events: {"history": {"events": events}, "nextPageToken": None},
    "in a list": lambda events: [{"events": events}],
    "descending": lambda events: events[::-1],
    "numbers": lambda events: [event | {"eventId": int(event["eventId"])} for event in events],
    "decoded payloads": decoded,
    "bare payloads": bare,
    "decorated": decorated,
    "by name": by_name,
    "by run": lambda events: {"run-1": {"events": events}},
    "without types": lambda events: [
        {k: v for k, v in event.items() if k != "eventType"} for event in events
    ],
}


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
def test_every_dialect_means_the_same(dialect: Callable[[list[Json]], object]) -> None:
    text = json.dumps(dialect(as_json()))
    assert report(read_history(text)) == report(sample())


def packed(lines: str) -> bytes:
    return gzip.compress(lines.encode())


def marked(lines: str) -> bytes:
    return lines.encode("utf-8-sig")


def wide(lines: str) -> bytes:
    return lines.encode("utf-16")


@pytest.mark.parametrize("written", [str.encode, packed, marked, wide])
def test_lines_of_json_are_read_however_they_are_packed(written: Callable[[str], bytes]) -> None:
    events = as_json()
    of_events = "\n".join(json.dumps(event) for event in events)
    assert report(read_history(written(of_events))) == report(sample())
    of_histories = "\n\n".join(json.dumps({"events": events}) for _ in range(3)) + "\n"
    assert [len(run) for run in read_histories(written(of_histories))] == [len(events)] * 3


def test_reading_what_the_sdk_wrote_loses_nothing() -> None:
    text = WorkflowHistory("case-1", sample()).to_json()
    assert list(read_history(text)) == sample()


def test_the_sdk_history_is_read_with_its_workflow_id() -> None:
    history = WorkflowHistory("other-id", sample()[::-1])
    assert report(history).case == "other-id"
    assert [event.event_id for event in ordered(history)] == list(range(1, len(sample()) + 1))


def test_what_does_not_fit_is_left_out() -> None:
    events = as_json()
    events[1]["eventTime"] = "yesterday"
    events[1]["taskId"] = "many"
    events[1]["activityTaskScheduledEventAttributes"]["attributesOfTomorrow"] = {"a": 1}
    events.append({"eventId": "99", "eventType": "EventOfTomorrow", "eventTime": "x", "a": {}})
    read = read_history(json.dumps(events))
    assert read[1].activity_task_scheduled_event_attributes.activity_type.name == "ask_model"
    assert (read[1].task_id, read[-1].event_id, read[-1].event_type) == (0, 99, 0)


def test_two_histories_in_a_file_are_told_apart() -> None:
    text = json.dumps([{"events": as_json()}, as_json()[:3]])
    assert [len(run) for run in read_histories(text)] == [len(sample()), 3]
    with pytest.raises(NotAHistory, match="2 histories in one file"):
        read_history(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (json.dumps({"events": as_json()})[:200], "not JSON"),
        (b"PK\x03\x04\xff\xfe\x00", "not"),
        ("3", "a number where"),
        ("[1, 2]", "a number where"),
        ("[]", "no events"),
        ('{"events": []}', "no events"),
        ('{"events": [4]}', "no event"),
        ('{"name": "x"}', "neither"),
        ("{}", "neither"),
        ("[" * 100_000, "unusual"),
        ("1" * 5_000, "unusual"),
        ("\n", "empty"),
        ("null", "null where"),
        (b"\x0a\x92\x01\x08", "not"),
        (gzip.compress(b"{", mtime=0), "not JSON"),
        (gzip.compress(b"[]" * 1_000, mtime=0)[:-9], "damaged"),
        ('{"events": []}\n{', "not JSON"),
        (json.dumps([{"events": as_json()}, {"events": []}]), "no events"),
    ],
)
def test_what_is_no_history_is_refused_in_one_line(text: str | bytes, why: str) -> None:
    with pytest.raises(NotAHistory, match=why) as refused:
        read_history(text)
    assert "\n" not in str(refused.value)


def test_protobuf_history_of_the_sdk_is_taken_as_it_is() -> None:
    copy = History.FromString(History(events=sample()).SerializeToString())
    assert report(copy.events) == report(sample())


ENCODED = "anNvbi9wbGFpbg=="


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"metadata": {"encoding": ENCODED}, "data": "MTIz"}, 123),
        ({"metadata": {"encoding": "json/plain"}, "data": "MTIz"}, "MTIz"),
        ({"metadata": {"encoding": "json/plain"}, "data": "ACED"}, "ACED"),
        ({"metadata": {"encoding": ENCODED}, "data": "ACED"}, "ACED"),
        ({"metadata": {"encoding": ENCODED}, "data": "0 World!"}, "0 World!"),
        ({"metadata": {"encoding": ENCODED}, "data": {"a": 1}}, {"a": 1}),
        ({"metadata": "mine", "a": 1}, {"metadata": "mine", "a": 1}),
        (["x", 1], ["x", 1]),
        ({"metadata": {"encoding": "YmluYXJ5L2VuY3J5cHRlZA=="}, "data": "MTIz"}, None),
    ],
)
def test_a_payload_means_the_same_however_it_is_written(written: object, meant: object) -> None:
    signal = {"signalName": "s", "input": {"payloads": [written]}}
    events = [{"eventId": "1", "workflowExecutionSignaledEventAttributes": signal}]
    (event,) = read_history(json.dumps(events))
    (payload_read,) = event.workflow_execution_signaled_event_attributes.input.payloads
    assert value(payload_read) == meant


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**30, max_value=10**400),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["\ud800", "1e999", "9999-12-31T23:59:59.999999999Z", "-1", "315576000000s"]),
    st.just([[{"a": []}]]),
    st.just({"payloads": [{"metadata": {"encoding": "json/plain"}, "data": None}]}),
)


def spoilt(found: object, draw: st.DataObject, left: list[int]) -> object:
    """Drop, replace or double something here and there."""
    if left[0] <= 0:
        return found
    if isinstance(found, dict):
        kept = {}
        for key, item in found.items():
            left[0] -= 1
            what = draw.draw(st.integers(0, 30)) if left[0] > 0 else 30
            if what == 1:
                kept[key] = draw.draw(JUNK)
            elif what > 1:
                kept[key] = spoilt(item, draw, left)
        return kept
    if isinstance(found, list):
        items = [spoilt(item, draw, left) for item in found]
        return items + items[:1] if draw.draw(st.integers(0, 9)) == 0 else items
    return found


PARTS = [json.loads((HISTORIES / row["file"]).read_text()) for row in ROWS] or [as_json()]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_is_wrong_with_a_history_is_left_out_or_refused(draw: st.DataObject) -> None:
    """Real histories with pieces dropped, replaced and doubled: read, or refused in a line."""
    whole = draw.draw(st.sampled_from(PARTS))
    text = json.dumps(spoilt(whole, draw, [draw.draw(st.integers(0, 400))]))
    try:
        histories = read_histories(text)
    except NotAHistory:
        return
    for known in explained(histories):
        assert known.machine + known.waiting == known.until - known.started
        assert page(known)


def test_a_failure_as_deep_as_json_allows_is_read() -> None:
    failed: Json = {"message": "innermost"}
    for _ in range(300):
        failed = {"message": "m", "cause": failed}
    event = {
        "eventId": 2,
        "activityTaskFailedEventAttributes": {"failure": failed, "scheduledEventId": 1},
    }
    scheduled = {"eventId": 1, "activityTaskScheduledEventAttributes": {}}
    (span,) = report(read_history(json.dumps([scheduled, event]))).spans
    assert span.state == "failed"
