"""A model's reply as it is read: every shape of stream, and everything that goes wrong in one."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.llm.frames import frames
from activities.llm.providers import interactions, ollama
from activities.llm.providers.common import Parse, ReplyOutcome, ToolCall
from activities.llm.reading import Reading, read_reply, read_with
from activities.posture import NONSENSE, Posture
from activities.wire import Reply
from workflows.data.llm import Dialect, Usage

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RESPONSES, CHAT = Dialect.OPENAI_RESPONSES, Dialect.OPENAI_CHAT
ANTHROPIC, GEMINI = Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI_GENERATE


def sse(*events: object, end: str = "\n", done: bool = False) -> bytes:
    """Write events; a dict with a `type` is named after it, a string stands as it is."""
    lines: list[str] = []
    for event in events:
        if isinstance(event, str):
            lines += [event, ""]
            continue
        assert isinstance(event, dict)
        if "type" in event:
            lines.append(f"event: {event['type']}")
        lines += [f"data: {json.dumps(event)}", ""]
    return end.join([*lines, *(["data: [DONE]", ""] if done else []), ""]).encode()


def read(dialect: Dialect, body: bytes, status: int = 200) -> Reading:
    # A wait in the headers of a 200 is not meant for an error inside it.
    return read_reply(dialect, "vendor", Reply(status, {"retry-after": "61"}, body), NOW)


def chunk(finish: str | None = None, **delta: object) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"object": "chat.completion.chunk", "choices": [choice]}


def tool(index: int, name: str = "", arguments: str = "", **more: object) -> dict[str, object]:
    return {"index": index, "function": {"name": name, "arguments": arguments}, **more}


def delta(text: str, index: int = 0) -> dict[str, object]:
    kind = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": index, "delta": kind}


def stopped(reason: str, **usage: object) -> dict[str, object]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def piece(text: str, finish: str | None = None, usage: object = None) -> dict[str, object]:
    candidate = {"content": {"parts": [{"text": text}]}, "finishReason": finish}
    return {"candidates": [candidate], "usageMetadata": usage}


def message(text: str) -> dict[str, object]:
    return {"type": "message", "content": [{"type": "output_text", "text": text}]}


START = {"type": "message_start", "message": {"type": "message", "usage": {"input_tokens": 3}}}
NAMED = {"type": "message_start", "message": {"type": "message", "id": "m1"}}
FILLED = {
    "type": "message_start",
    "message": {
        "type": "message",
        "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "W"}],
    },
}
CREATED = {
    "type": "response.created",
    "response": {"object": "response", "status": "in_progress", "output": []},
}
WORD = {"type": "response.output_text.delta", "delta": "Wö"}
ITEM = {"type": "response.output_item.done", "output_index": 0, "item": message("Wörter")}


def ended(status: str = "completed", **more: object) -> dict[str, object]:
    response = {"object": "response", "status": status, "output": [message("Wörter")]}
    return {"type": f"response.{status}", "response": response | more}


COUNTED = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
STREAMS = [
    ("responses", RESPONSES, sse(CREATED, WORD, ITEM, ended()), "ok", "Wörter"),
    ("taken up in the middle", RESPONSES, sse(WORD, ended()), "ok", "Wörter"),
    ("items only", RESPONSES, sse(CREATED, ITEM, ended(output=[])), "ok", "Wörter"),
    (
        "responses cut at the limit",
        RESPONSES,
        sse(ended("incomplete", incomplete_details={"reason": "max_output_tokens"})),
        "truncated",
        "Wörter",
    ),
    (
        "responses refused",
        RESPONSES,
        sse(ended(output=[message("") | {"content": [{"type": "refusal", "refusal": "no"}]}])),
        "refusal",
        "no",
    ),
    (
        "chat",
        CHAT,
        sse(": OPENROUTER PROCESSING", chunk(content="Wö"), chunk("stop", content="rter"), COUNTED),
        "ok",
        "Wörter",
    ),
    ("chat, CRLF", CHAT, sse(chunk(content="Wörter"), chunk("stop"), end="\r\n"), "ok", "Wörter"),
    ("chat, CR", CHAT, sse(chunk(content="Wörter"), chunk("stop"), end="\r"), "ok", "Wörter"),
    ("no finish but [DONE]", CHAT, sse(chunk(content="Wörter"), done=True), "ok", "Wörter"),
    ("old completion", CHAT, b'{"choices": [{"text": "a", "finish_reason": "stop"}]}', "ok", "a"),
    ("filtered", CHAT, sse(chunk(content="W"), chunk("content_filter")), "blocked", "W"),
    (
        "refused",
        CHAT,
        sse(chunk(refusal="I "), chunk(refusal="can't"), chunk("stop")),
        "refusal",
        "I can't",
    ),
    ("length", CHAT, sse(chunk("length", content="W"), done=True), "truncated", "W"),
    (
        "thinking parts",
        CHAT,
        sse(chunk("stop", content=[{"type": "thinking"}, {"type": "text", "text": "4"}])),
        "ok",
        "4",
    ),
    ("said aloud", CHAT, sse(chunk("stop", audio={"transcript": "W"})), "ok", "W"),
    (
        "anthropic",
        ANTHROPIC,
        sse(START, delta("Wö"), delta("rter"), stopped("end_turn")),
        "ok",
        "Wörter",
    ),
    (
        "anthropic, unknown events",
        ANTHROPIC,
        sse(START, {"type": "ping"}, {"type": "new"}, delta("W"), stopped("refusal")),
        "refusal",
        "W",
    ),
    (
        "begun anew",
        ANTHROPIC,
        sse(START, delta("first"), START, delta("second"), stopped("end_turn")),
        "ok",
        "second",
    ),
    (
        "begun twice over",
        ANTHROPIC,
        sse(NAMED, delta("Wö"), NAMED, delta("rter"), stopped("end_turn")),
        "ok",
        "Wörter",
    ),
    ("all in the beginning", ANTHROPIC, sse(FILLED, {"type": "message_stop"}), "ok", "W"),
    ("gemini", GEMINI, sse(piece("Wö"), piece("rter", "STOP"), end="\r\n"), "ok", "Wörter"),
    ("gemini, plain, no finish", GEMINI, json.dumps(piece("W")).encode(), "ok", "W"),
    (
        "gemini in an array",
        GEMINI,
        json.dumps([piece("a"), piece("b", "STOP")]).encode(),
        "ok",
        "ab",
    ),
    ("gemini filtered", GEMINI, sse(piece("a"), piece("", "SAFETY")), "blocked", "a"),
    (
        "gemini blocked late",
        GEMINI,
        sse(piece("a"), {"promptFeedback": {"blockReason": "OTHER"}}),
        "blocked",
        "a",
    ),
]


@pytest.mark.parametrize(
    ("dialect", "body", "outcome", "text"), [s[1:] for s in STREAMS], ids=[s[0] for s in STREAMS]
)
def test_a_stream_reads_as_its_plain_answer(
    dialect: Dialect, body: bytes, outcome: str, text: str
) -> None:
    reading = read(dialect, body)
    assert (reading.parsed.outcome, reading.parsed.text) == (ReplyOutcome(outcome), text)
    assert reading.advice.posture is Posture.NONE


CUT = [
    ("responses", RESPONSES, sse(CREATED, WORD)),
    ("responses before a word", RESPONSES, sse(CREATED)),
    ("responses without its beginning", RESPONSES, sse(WORD)),
    ("chat", CHAT, sse(chunk(content="W"))),
    ("chat within a line", CHAT, sse(chunk(content="W"), chunk("stop"))[:-30]),
    ("chat given up by the server", CHAT, sse(chunk("insufficient_system_resource", content="W"))),
    ("anthropic", ANTHROPIC, sse(START, delta("W"))),
    ("gemini", GEMINI, sse(piece("W"))),
    ("plain JSON", CHAT, b'{"choices": [{"message": {"cont'),
    ("another API", ANTHROPIC, sse(piece("W", "STOP"))),
    ("other JSON", RESPONSES, b'{"result": "OK", "items": [null]}'),
    ("a web page", GEMINI, b"\n<!doctype html><html>"),
    ("plain text", CHAT, b"upstream connect error"),
    ("nothing", CHAT, b""),
]


@pytest.mark.parametrize(("dialect", "body"), [c[1:] for c in CUT], ids=[c[0] for c in CUT])
def test_what_broke_off_is_asked_again_and_never_kept(dialect: Dialect, body: bytes) -> None:
    reading = read(dialect, body)
    assert reading.parsed.outcome is ReplyOutcome.MALFORMED
    assert (reading.advice.posture, reading.advice.code) == (Posture.RETRY, NONSENSE)


BUSY = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
QUOTA = {"code": "insufficient_quota", "message": "m"}
ROUTED = chunk(content="W") | {"error": {"code": 502, "message": "Provider disconnected"}}
FILTER = {"error": {"code": "content_filter", "message": "m", "status": 400}}
GROQ = {"error": {"type": "invalid_request_error", "code": "tool_use_failed", "status_code": 400}}
ERRORS = [
    ("anthropic", ANTHROPIC, sse(START, delta("W"), BUSY), Posture.RETRY, "overloaded_error"),
    ("openai", RESPONSES, sse({"type": "error", **QUOTA}), Posture.NEVER, "insufficient_quota"),
    (
        "openai failed",
        RESPONSES,
        sse(CREATED, ended("failed", error={"code": "rate_limit_exceeded", "message": "m"})),
        Posture.RETRY,
        "rate_limit_exceeded",
    ),
    (
        "openai failed, with a wait",
        RESPONSES,
        sse(ended("failed", error={"code": "rate_limit_exceeded", "message": "try again in 6.2s"})),
        Posture.RETRY_AFTER,
        "rate_limit_exceeded",
    ),
    (
        "groq",
        CHAT,
        sse("event: error\ndata: " + json.dumps(GROQ)),
        Posture.FINAL,
        "tool_use_failed",
    ),
    ("openrouter", CHAT, sse(ROUTED, done=True), Posture.RETRY, "http_502"),
    ("openrouter's choice", CHAT, sse({"choices": [ROUTED]}), Posture.RETRY, "http_502"),
    ("azure's filter", CHAT, json.dumps(FILTER).encode(), Posture.FINAL, "content_filter"),
    ("flat", CHAT, b'{"object": "error", "message": "m", "code": 400}', Posture.FINAL, "http_400"),
    ("ollama", CHAT, b'{"error": "model runner has stopped"}', Posture.RETRY, "http_200"),
]


@pytest.mark.parametrize(
    ("dialect", "body", "posture", "code"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS]
)
def test_an_error_inside_a_200_is_an_error(
    dialect: Dialect, body: bytes, posture: Posture, code: str
) -> None:
    reading = read(dialect, body)
    assert (reading.advice.posture, reading.advice.code) == (posture, code)
    blocked = code == "content_filter"
    assert reading.parsed.outcome is (ReplyOutcome.BLOCKED if blocked else ReplyOutcome.ERROR)


def test_a_page_of_a_gateway_is_judged_by_its_status() -> None:
    assert read(CHAT, b"<html>", 502).advice.posture is Posture.RETRY_AFTER
    assert read(CHAT, b"<html>", 403).advice.posture is Posture.FINAL


CALLS = [
    (
        "several, from index 1, one without an id",
        CHAT,
        sse(
            chunk(tool_calls=[tool(1, "a", "", id="x")]),
            chunk(tool_calls=[tool(1, "", '{"p": ')]),
            chunk(tool_calls=[tool(1, "", "1}", id="null")]),
            chunk(tool_calls=[tool(0, "b", "{}")]),
            chunk(tool_calls=[tool(0, "c", "{}")]),
            chunk("tool_calls"),
        ),
        (ToolCall("a", '{"p": 1}'), ToolCall("b", "{}"), ToolCall("c", "{}")),
    ),
    (
        "blocks",
        ANTHROPIC,
        sse(
            START,
            {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "a"}},
            *(
                {"type": "content_block_delta", "delta": {"partial_json": half}}
                for half in ('{"p":', "1}")
            ),
            stopped("tool_use"),
        ),
        (ToolCall("a", '{"p":1}'),),
    ),
    (
        "a block without its start",
        ANTHROPIC,
        sse(
            START,
            {"type": "content_block_delta", "delta": {"partial_json": "{}"}},
            stopped("tool_use"),
        ),
        (ToolCall("", "{}"),),
    ),
    (
        "parts",
        GEMINI,
        sse(
            {"candidates": [{"content": {"parts": [{"functionCall": {"name": "a", "args": {}}}]}}]},
            piece("", "STOP"),
        ),
        (ToolCall("a", "{}"),),
    ),
    (
        "items, one of free text",
        RESPONSES,
        sse(
            ended(
                output=[
                    {"type": "function_call", "name": "a", "arguments": "{}"},
                    {"type": "custom_tool_call", "name": "b", "input": "SELECT 1"},
                    {"type": "web_search_call"},
                ]
            )
        ),
        (ToolCall("a", "{}"), ToolCall("b", "SELECT 1", free=True)),
    ),
]


@pytest.mark.parametrize(
    ("dialect", "body", "tools"), [c[1:] for c in CALLS], ids=[c[0] for c in CALLS]
)
def test_tools_are_told(dialect: Dialect, body: bytes, tools: tuple[ToolCall, ...]) -> None:
    parsed = read(dialect, body).parsed
    assert (parsed.outcome, parsed.tools) == (ReplyOutcome.TOOL, tools)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (CHAT, sse(chunk(tool_calls=[tool(0, "a", '{"p": ', id="x")]), chunk("tool_calls"))),
        (GEMINI, sse(piece("", "MALFORMED_FUNCTION_CALL"))),
    ],
)
def test_a_garbled_tool_call_is_a_paid_reply_of_no_use(dialect: Dialect, body: bytes) -> None:
    reading = read(dialect, body)
    assert reading.parsed.outcome is ReplyOutcome.MALFORMED
    assert reading.advice.posture is Posture.NONE


def spent(dialect: Dialect, *events: object) -> Usage:
    return read(dialect, sse(*events)).parsed.usage


def test_tokens_of_streams() -> None:
    use = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    plain = Usage(input_tokens=5, output_tokens=2)
    choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert spent(CHAT, chunk("stop"), COUNTED) == plain
    assert spent(CHAT, chunk("stop") | {"x_groq": {"usage": use}}) == plain
    assert spent(CHAT, {"choices": [choice | {"usage": use}]}) == plain  # Moonshot
    assert spent(CHAT, chunk("stop") | {"usage": use | {"prompt_cache_hit_tokens": 4}}) == Usage(
        input_tokens=5, cached_tokens=4, output_tokens=2
    )
    # Gemini's compatible API leaves the thinking out of its parts, not out of the bill.
    assert spent(CHAT, chunk("stop") | {"usage": use | {"total_tokens": 10}}) == Usage(
        input_tokens=5, output_tokens=5, reasoning_tokens=3
    )
    again = stopped("end_turn", input_tokens=6, cache_read_input_tokens=None, output_tokens=2)
    assert spent(ANTHROPIC, START, START, again) == Usage(input_tokens=6, output_tokens=2)
    assert spent(ANTHROPIC, START, stopped("end_turn", output_tokens=2)).input_tokens == 3
    counts = {"promptTokenCount": 4, "thoughtsTokenCount": 3}
    last = {"promptTokenCount": 5, "candidatesTokenCount": 2}
    assert spent(GEMINI, piece("a", None, counts), piece("b", "STOP", last)) == plain
    assert spent(GEMINI, piece("a", None, counts), piece("b", "STOP")).output_tokens == 3
    written = {"input_tokens": 9, "input_tokens_details": {"cache_write_tokens": 8}}
    assert spent(RESPONSES, ended(usage=written)) == Usage(input_tokens=9, cache_write_tokens=8)


def test_apis_that_are_only_read() -> None:
    def of(parse: Parse, *lines: Mapping[str, object], events: bool = False) -> Reading:
        body = sse(*lines) if events else "\n".join(map(json.dumps, lines)).encode()
        return read_with(parse, "v", Reply(200, {}, body), NOW)

    chat = {"message": {"content": "W"}, "done": False}
    last = {"done": True, "done_reason": "length", "prompt_eval_count": 5, "eval_count": 2}
    said = of(ollama.parse, chat, last)
    assert (said.parsed.outcome, said.parsed.text) == (ReplyOutcome.TRUNCATED, "W")
    assert said.parsed.usage == Usage(input_tokens=5, output_tokens=2)
    assert of(ollama.parse, chat).advice.posture is Posture.RETRY

    call = {"type": "function_call", "name": "a", "arguments": {"p": 1}}
    asked = of(interactions.parse, {"status": "requires_action", "steps": [call]})
    assert asked.parsed.tools == (ToolCall("a", '{"p": 1}'),)
    step = {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}}
    text = {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "W"}}
    end = {"event_type": "interaction.completed", "interaction": {"status": "completed"}}
    assert of(interactions.parse, step, text, end, events=True).parsed.text == "W"
    begun = {"event_type": "content.start", "index": 0, "content": {"type": "text"}}
    text |= {"event_type": "content.delta"}
    assert of(interactions.parse, begun, text, end, events=True).parsed.text == "W"
    old = {"status": "completed", "outputs": [{"type": "text", "text": "W"}, call]}
    assert of(interactions.parse, old).parsed.outcome is ReplyOutcome.TOOL
    cut = of(
        interactions.parse, {"event_type": "x", "status": "in_progress"}, step, text, events=True
    )
    assert cut.advice.posture is Posture.RETRY


def test_events_that_lost_their_blank_lines_are_still_events() -> None:
    squeezed = b'data: {"a": 1}\ndata: {"b": 2}\ndata: [DONE]\nevent: x\ndata: {"c":\ndata: 3}'
    told = frames(squeezed)
    assert [(f.name, f.value) for f in told.items] == [
        ("", {"a": 1}),
        ("", {"b": 2}),
        ("x", {"c": 3}),
    ]
    assert told.done
    assert not told.ragged


def test_halves_of_a_character_are_mended() -> None:
    halves = sse(chunk(content="\ud83d"), chunk("stop", content="\ude00\ud83d"))
    assert read(CHAT, halves).parsed.text == "\U0001f600\ufffd"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "object",
                    "choices",
                    "delta",
                    "message",
                    "content",
                    "tool_calls",
                    "function",
                    "arguments",
                    "index",
                    "output",
                    "item",
                    "response",
                    "status",
                    "usage",
                    "candidates",
                    "parts",
                    "functionCall",
                    "error",
                    "code",
                    "message_start",
                    "message_delta",
                    "content_block",
                    "event_type",
                    "step",
                    "done",
                ]
            ),
            inner | st.sampled_from(["message_start", "content_block_delta", "response.failed"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@hypothesis.settings(max_examples=150, deadline=None)
@given(st.lists(values, max_size=4), st.sampled_from([*Dialect]), st.booleans())
def test_no_stream_upsets_the_reader(events: list[object], dialect: Dialect, plain: bool) -> None:
    lines = [json.dumps(event) for event in events]
    body = "\n".join(lines if plain else [f"data: {line}\n" for line in lines]).encode()
    assert read(dialect, body).advice.posture in set(Posture)
    for parse in (ollama.parse, interactions.parse):
        parse(body)
