"""Gemini interactions, read only: recordings hold them, Braid does not ask for them yet."""

from typing import Any

from activities.llm.frames import Frames, frames
from activities.llm.providers.common import (
    MALFORMED,
    Parsed,
    ReplyOutcome,
    ToolCall,
    count,
    part,
    parts,
    settled,
    text_of,
    written,
)
from workflows.data.llm import Usage

_ENDED = {
    "completed": ReplyOutcome.OK,
    "requires_action": ReplyOutcome.OK,
    "incomplete": ReplyOutcome.TRUNCATED,
}


def parse(body: bytes) -> Parsed:
    """Read an interaction or fold its events; thoughts count as output."""
    told = frames(body)
    reply = _folded(told) if told.streamed else (told.items[0].value if told.items else {})
    if "status" not in reply:
        return MALFORMED
    steps = parts(reply, "steps") or [_step(content) for content in parts(reply, "outputs")]
    calls = [step for step in steps if step.get("type") == "function_call"]
    status = text_of(reply, "status")
    return settled(
        [
            text_of(piece, "text")
            for step in steps
            if step.get("type") == "model_output"
            for piece in parts(step, "content")
        ],
        _usage(part(reply, "usage")),
        _ENDED.get(status),
        status,
        [ToolCall(text_of(c, "name"), written(c.get("arguments"))) for c in calls],
        complete=status in _ENDED,
    )


def _folded(told: Frames) -> dict[str, Any]:
    reply: dict[str, Any] = {}
    steps: dict[int, dict[str, Any]] = {}
    for frame in told.items:
        value, place = frame.value, count(frame.value, "index")
        reply = reply | part(value, "interaction")
        reply |= {"status": value["status"]} if text_of(value, "status") else {}
        match text_of(value, "event_type") or frame.name:
            case "step.start":
                steps[place] = dict(part(value, "step"))
            case "content.start":  # as told before there were steps
                steps[place] = _step(part(value, "content"))
            case "step.delta" | "content.delta":
                _grow(steps.setdefault(place, {}), part(value, "delta"))
    return reply | {"steps": parts(reply, "steps") or [steps[place] for place in sorted(steps)]}


def _step(content: dict[str, Any]) -> dict[str, Any]:
    """Make a step of a content as the API told them at first."""
    is_text = content.get("type") == "text"
    return {"type": "model_output", "content": [content]} if is_text else dict(content)


def _grow(step: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a delta: a piece of text, or of a call's arguments."""
    if delta.get("type") == "text":
        step["content"] = [*parts(step, "content"), delta]
    if text_of(delta, "arguments"):
        step["arguments"] = text_of(step, "arguments") + delta["arguments"]
    elif isinstance(delta.get("arguments"), dict):
        step["arguments"] = delta["arguments"]


def _usage(usage: dict[str, Any]) -> Usage:
    thoughts = count(usage, "total_thought_tokens")
    return Usage(
        input_tokens=count(usage, "total_input_tokens") + count(usage, "total_tool_use_tokens"),
        cached_tokens=count(usage, "total_cached_tokens"),
        output_tokens=count(usage, "total_output_tokens") + thoughts,
        reasoning_tokens=thoughts,
    )
