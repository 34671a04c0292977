"""The published schemas hold for what recorded cases were given, told and ended with."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cli.schemas import names, schema_of
from runtime.settings import ROOT
from workflows.data.announce import CloudEvent, Happening, Told

HISTORIES = sorted((ROOT / "tests" / "replay").glob("*.json"))
LARGEST = 300_000
"""Bytes of a history looked at here: large ones tell nothing new and take long."""


@cache
def published(name: str) -> dict[str, Any]:
    return schema_of(name)


@cache
def judge(name: str, *where: str) -> jsonschema.Draft202012Validator:
    """Make what checks values against the part of a document at `where`."""
    document = published(name)
    part: Any = document
    for key in where:
        part = part[key]
    return jsonschema.Draft202012Validator({**part, "$defs": document["$defs"]})


def fits(value: Any, name: str, *where: str) -> None:
    judge(name, *where).validate(value)


def payload(held: dict[str, Any]) -> Any:
    import base64

    return json.loads(base64.b64decode(held["payloads"][0]["data"]))


def looked_at(file: Path) -> int:
    """Check all that a history tells of the outside; give how much that was."""
    events = json.loads(file.read_text("utf-8"))["events"]
    began = events[0]["workflowExecutionStartedEventAttributes"]
    name = began["workflowType"]["name"]
    count = 0
    for event in events:
        kind = event["eventType"]
        if kind == "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED":
            fits(payload(began["input"]), name, "input")
        elif kind == "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED":
            fits(
                payload(event["workflowExecutionCompletedEventAttributes"]["result"]),
                name,
                "result",
            )
        elif kind == "EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED":
            told = event["workflowExecutionUpdateAcceptedEventAttributes"]["acceptedRequest"]
            said = told["input"]
            fits(payload(said["args"]), name, "updates", said["name"], "input")
        elif kind == "EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED":
            said = event["workflowExecutionSignaledEventAttributes"]
            if "input" in said:
                fits(payload(said["input"]), name, "signals", said["signalName"], "input")
        else:
            continue
        count += 1
    return count


@pytest.mark.parametrize(
    "file", [f for f in HISTORIES if f.stat().st_size < LARGEST], ids=lambda f: f.stem
)
def test_what_a_recorded_case_took_and_gave_fits(file: Path) -> None:
    assert looked_at(file) >= 1


def test_a_wrong_message_does_not_fit() -> None:
    with pytest.raises(jsonschema.ValidationError, match="verdict"):
        fits({"by": "ana"}, "due-diligence", "updates", "decide", "input")


def test_every_name_has_a_valid_schema_that_says_what_each_message_is_for() -> None:
    for name in names():
        document = published(name)
        jsonschema.Draft202012Validator.check_schema(document)
        for kind in ("queries", "updates", "signals"):
            for message in document.get(kind, {}).values():
                assert message["description"]


def test_an_event_that_goes_out_fits() -> None:
    event = CloudEvent(
        id="1",
        type=Happening.FAILED,
        subject="of-1",
        time="2026-11-27T00:00:00Z",
        data=Told(process="proposal"),
    )
    fits(event.model_dump(mode="json"), "announcement", "output")
