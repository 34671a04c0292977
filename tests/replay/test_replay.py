"""Recorded histories replay against the code of today, or a running case would get stuck."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from deployed import WORKFLOWS, BraidInterceptor, runner
from runtime.conversion import DATA_CONVERTER
from scripts.record_histories import all_stories

FILES = sorted(Path(__file__).parent.glob("*.json"))
UNILEVER = Path(__file__).parent / "due_diligence_unilever.json"


def recorded(file: Path) -> Any:
    """Read a recorded history."""
    return json.loads(file.read_text(encoding="utf-8"))


def named(process: type) -> str | None:
    """Give the name a workflow is deployed by."""
    return workflow._Definition.must_from_class(process).name


async def replay(history: Any) -> None:
    """Replay with the very sandbox, interceptor and converter the worker uses.

    Children are named after the workflow's id, so each is replayed under its own.
    """
    started = history["events"][0]["workflowExecutionStartedEventAttributes"]
    of = [w for w in WORKFLOWS if named(w) == started["workflowType"]["name"]]
    replayer = Replayer(
        workflows=of,  # alone: each one's making ready takes a while
        workflow_runner=runner(),
        interceptors=[BraidInterceptor("replay")],
        data_converter=DATA_CONVERTER,
        build_id="replay",  # else the SDK reads the code of every module there is
    )
    await replayer.replay_workflow(
        WorkflowHistory.from_json(started["workflowId"], json.dumps(history))
    )


def test_every_story_is_recorded() -> None:
    """Each to its end, which is what its name says; only a service may serve on."""
    stories = all_stories()
    assert {f.stem for f in FILES} == set(stories)
    over, cancelled = "WORKFLOW_EXECUTION_COMPLETED", "WORKFLOW_EXECUTION_CANCELED"
    for file in FILES:
        end = recorded(file)["events"][-1]["eventType"].removeprefix("EVENT_TYPE_")
        expected = cancelled if file.stem.endswith("_cancel") else over
        assert end == expected or file.stem.startswith("service_"), file.stem


def test_every_workflow_has_a_recorded_history() -> None:
    """Of a service the last event may be any: it serves for ever."""
    started = "workflowExecutionStartedEventAttributes"
    types = {recorded(f)["events"][0][started]["workflowType"]["name"] for f in FILES}
    assert types == {named(w) for w in WORKFLOWS}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    """The code of today takes the decisions the history tells of."""
    await replay(recorded(file))


@pytest.mark.parametrize("call", ["company_register", "ask_model", "account_service"])
async def test_a_history_of_other_code_does_not_replay(call: str) -> None:
    """A call that is not the recorded one is noticed, early in a case and late."""
    history = recorded(UNILEVER)
    attributes = "activityTaskScheduledEventAttributes"
    scheduled = [e[attributes] for e in history["events"] if attributes in e]
    changed = [s for s in scheduled if s["activityType"]["name"] == call][-1]
    changed["activityType"]["name"] = "something_else"
    with pytest.raises(NondeterminismError, match="something_else"):
        await replay(history)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_recorded_history_tells_nothing_of_the_machine(file: Path) -> None:
    """No folder, no host, no process id of whoever recorded it."""
    text = "\n".join(strings(recorded(file)))
    assert '{"' in text, "payloads are read"
    assert not re.findall(r"(?:/root|/home|/Users|/tmp|/opt|/work|/usr)/\S*", text)
    assert not re.findall(r"(?m)^\d+@\S+$", text), "the SDK's default identity is pid@host"


def strings(value: Any) -> Iterator[str]:
    """Give every string of a history, payloads decoded."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [base64.b64decode(inner).decode()] if name == "data" else strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value
