"""Ollama's own API (/api/chat, /api/generate), read only: Braid asks it as an OpenAI chat."""

from activities.llm.frames import frames
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


def parse(body: bytes) -> Parsed:
    """Read one answer or a stream of JSON lines; the last one has `done` and the counts."""
    values = [frame.value for frame in frames(body).items if "done" in frame.value]
    if not values:
        return MALFORMED
    last, messages = values[-1], [part(value, "message") for value in values]
    calls = [
        part(call, "function") for message in messages for call in parts(message, "tool_calls")
    ]
    finish = text_of(last, "done_reason")
    texts = [
        text_of(v, "response") + text_of(m, "content")
        for v, m in zip(values, messages, strict=True)
    ]
    usage = Usage(
        input_tokens=count(last, "prompt_eval_count"), output_tokens=count(last, "eval_count")
    )
    return settled(
        texts,
        usage,
        ReplyOutcome.TRUNCATED if finish == "length" else ReplyOutcome.OK,
        finish,
        [ToolCall(text_of(call, "name"), written(call.get("arguments"))) for call in calls],
        complete=last.get("done") is True,
    )
