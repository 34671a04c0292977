"""Recorded histories, changed in one place, are found to differ in that place from today's code."""

import io
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.replay_shown import as_plain
from cli.replaying import Foreign, Replayed, replay
from cli.stepping import stepped
from deployed import NAMES
from insight.again.commands import CommandKind, recorded
from insight.again.divergence import Change, differences
from insight.history.drafts import attributes
from insight.history.reader import Events, read_history
from runtime.conversion import DATA_CONVERTER
from runtime.settings import ROOT

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.json"))
CASE, CHUNK = "due_diligence_budget", "service_spread_chunk"


def history(name: str) -> Events:
    return read_history((HERE / f"{name}.json").read_bytes())


async def replayed(events: Events, name: str = "x") -> Replayed:
    case = f"{name.removeprefix('service_')}-story"
    return await replay(events, DATA_CONVERTER, case=case)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
async def test_the_code_of_today_decides_as_recorded(file: Path) -> None:
    """Kinds, names, order, results and inputs agree; every recorded command has its new one."""
    found = await replayed(history(file.stem), file.stem)
    assert found.agrees, found.comparison.divergences
    assert found.recorded
    assert as_plain(found)["replays"] is True
    new = {c.key for turn in found.turns for c in turn.commands}
    assert {c.key for c in found.recorded if c.kind is not CommandKind.CANCEL} <= new


def changed(value: Any, rng: random.Random, path: str = "") -> tuple[Any, str]:
    """Change one leaf of a JSON value; give the new value and where."""
    if isinstance(value, dict) and value:
        key = rng.choice(sorted(value))
        inner, where = changed(value[key], rng, f"{path}/{key}")
        return {**value, key: inner}, where
    if isinstance(value, list) and value:
        place = rng.randrange(len(value))
        inner, where = changed(value[place], rng, f"{path}/{place}")
        return [*value[:place], inner, *value[place + 1 :]], where
    return (value + 1 if type(value) in (int, float) else f"other than {value}"), path


@pytest.mark.parametrize("seed", range(8))
async def test_a_changed_input_is_found_where_it_was_changed(seed: int) -> None:
    """The SDK's replayer passes these over."""
    rng = random.Random(seed)  # noqa: S311
    name = (CASE, CHUNK)[seed % 2]
    events = history(name)
    told = [e for e in events if e.HasField("activity_task_scheduled_event_attributes")]
    event = rng.choice(told)
    [payload] = event.activity_task_scheduled_event_attributes.input.payloads
    old, where = changed(json.loads(payload.data), rng)
    payload.data = json.dumps(old).encode()

    [found] = (await replayed(events, name)).comparison.divergences
    assert (found.at, [c.path for c in found.changes]) == (event.event_id, [f"/0{where}"]), name
    assert found.new is not None
    assert found.new.stack, "the line that gave it"
    file, line, function = _line(found.new.stack[0])
    assert function in "\n".join((ROOT / file).read_text("utf-8").splitlines()[:line])


def _line(text: str) -> tuple[str, int, str]:
    place, _, function = text.partition(" ")
    file, _, line = place.rpartition(":")
    return file, int(line), function


async def test_a_changed_timer_child_signal_and_result_are_found() -> None:
    """Each by its own event, with the old value and the new one."""
    cases = {
        "service_keeper": "timer_started",
        "service_spread": "start_child_workflow_execution_initiated",
        "service_spread_chunk": "workflow_execution_completed",
    }
    for name, kind in cases.items():
        events = history(name)
        event = next(e for e in events if e.HasField(f"{kind}_event_attributes"))  # type: ignore[arg-type]
        inner = attributes(event)
        if kind == "timer_started":
            inner.start_to_fire_timeout.FromSeconds(7)
        else:
            payload = (inner.input if hasattr(inner, "input") else inner.result).payloads[0]
            payload.data = b'{"other": 1}'
        [found] = (await replayed(events, name)).comparison.divergences
        assert found.at == event.event_id, kind
        assert found.recorded is not None
        assert found.new is not None
        assert found.recorded.kind == found.new.kind
        assert found.changes, kind


@pytest.mark.parametrize("call", ["company_register", "ask_model", "account_service"])
async def test_another_call_is_found_where_the_sdk_finds_it(call: str) -> None:
    """The two commands stand side by side, with what the SDK says of it."""
    events = history("due_diligence_unilever")
    asked = "activity_task_scheduled_event_attributes"
    told = [e for e in events if e.WhichOneof("attributes") == asked]
    first = [e for e in told if attributes(e).activity_type.name == call][-1]
    attributes(first).activity_type.name = "something_else"

    found = (await replayed(events)).comparison.divergences[-1]
    assert found.recorded is not None
    assert found.new is not None
    assert (found.at, found.recorded.name, found.new.name) == (
        *(first.event_id, "something_else", call),
    )
    assert "something_else" in found.said
    assert found.new.stack


async def test_a_running_case_replays_as_far_as_it_is_recorded() -> None:
    """Cut after any completed workflow task: nothing is missing that was not recorded yet."""
    events = history(CASE)
    started = [i for i, e in enumerate(events) if e.HasField(_STARTED)]
    for place in random.Random(3).sample(started, 4):  # noqa: S311
        found = await replayed(events[: place + 1])
        assert found.agrees, place
        assert len(found.recorded) == len(recorded(events[: place + 1]))


_STARTED: Any = "workflow_task_started_event_attributes"


async def test_a_time_out_is_a_note_and_no_difference() -> None:
    events = history(CHUNK)
    for event in events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            asked = event.activity_task_scheduled_event_attributes
            asked.heartbeat_timeout.FromSeconds(99)
            break
    found = await replayed(events, CHUNK)
    assert found.agrees
    changes = [c for n in found.comparison.notes for c in n.changes]
    assert [(c.path, c.old) for c in changes if c.old == 99.0] == [("heartbeat_timeout", 99.0)]


async def test_looking_shows_branches_after_each_turn_and_changes_nothing() -> None:
    events = history(CASE)
    plain = await replay(events, DATA_CONVERTER)
    looked = await replay(events, DATA_CONVERTER, look=True)
    assert [t.commands for t in looked.turns] == [t.commands for t in plain.turns]
    answers: list[Any] = [turn.branches for turn in looked.turns]
    states = [{branch["name"]: branch["state"] for branch in answer} for answer in answers]
    assert states[0] == {}
    existence = [state["existence"] for state in states if "existence" in state]
    assert list(dict.fromkeys(existence)) == ["running", "succeeded"]


async def test_on_a_terminal_one_steps_looks_at_branches_and_quits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Enter goes on, `t` to the next task, `b` shows a branch or which there are, `q` ends."""
    looked = await replay(history(CASE), DATA_CONVERTER, look=True)
    typed = io.StringIO("\nt\nb nobody\n\nt\nt\nb existence\nq\n")
    typed.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", typed)
    shown = io.StringIO()
    stepped(looked, Console(file=shown, force_terminal=True, width=200, color_system=None))
    text = shown.getvalue()
    assert text.count("workflow task started") == 3, "up to it, then from task to task"
    assert text.count("Enter next") == 8
    assert "no branch 'nobody' so far" in text
    assert "existence running" in text
    assert "existence: activity lei_record" in text
    assert "workflows/" in text
    assert typed.read() == ""


async def test_a_foreign_history_names_the_types_there_are() -> None:
    events = history(CASE)
    begun = events[0].workflow_execution_started_event_attributes
    begun.workflow_type.name = "Interpreter"
    with pytest.raises(
        Foreign, match=r"'Interpreter'.*due-diligence, due-diligence-party, .*keeper"
    ):
        await replayed(events)
    assert "due-diligence" in NAMES


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"a": [1, {"b/c": 2}]}, {"a": [1, {"b/c": 3}]}, [("/a/1/b~1c", 2, 3)]),
        ({"a": 1}, {"a": 1, "b": None}, []),
        ([1], [1, 2], [("/1", None, 2)]),
        (1, True, [("", 1, True)]),
        ({"a": {}}, {"a": []}, [("/a", {}, [])]),
    ],
)
def test_differences_are_told_by_pointer(old: Any, new: Any, told: list[Any]) -> None:
    assert list(differences(old, new)) == [Change(path=p, old=o, new=n) for p, o, n in told]
