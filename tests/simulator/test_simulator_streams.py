"""What each vendor streams, event by event, against the facts of recorded streams."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from simulator.book import Book
from simulator.config import FaultKind, SimulatorConfig
from simulator.exchange import Asked, Finish, Reply, Stream
from simulator.vendors import anthropic, gemini, openai
from simulator.vendors.vendor import Models, Vendor
from tests.simulator.world import CREDIT, ask
from workflows.data.readings import CreditReading

Event = tuple[str, dict[str, Any]]


def events(body: bytes) -> list[Event]:
    """Read a stream by hand: the name and the data of each event; comments fall out."""
    found: list[Event] = []
    for block in body.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        named = [line[7:] for line in lines if line.startswith("event: ")]
        data = "".join(line[6:] for line in lines if line.startswith("data: "))
        if data:
            value = {"done": True} if data == "[DONE]" else json.loads(data)
            found.append((named[0] if named else "", value))
    return found


@dataclass(frozen=True)
class Api:
    """One API: its vendor, a streamed request, and how a reader puts the text together."""

    vendor: Vendor
    asked: Asked
    text: Callable[[list[Event]], str]


def _json(service: str, path: str, body: dict[str, object]) -> Asked:
    headers = {"anthropic-version": "2023-06-01"}
    return Asked(service, "POST", path, headers=headers, body=json.dumps(body).encode())


def responses() -> Api:
    body = {**ask("openai").body, "stream": True}
    return Api(
        openai.VENDOR,
        _json("openai", "/v1/responses", body),
        lambda found: "".join(str(e.get("delta", "")) for _, e in found),
    )


def chat(vendor: str = "openai") -> Api:
    text: Any = ask("openai").body["text"]
    schema = text["format"]
    form = {"name": "answer", "schema": schema["schema"], "strict": True}
    body = {
        "model": "gpt-6.1-terra",
        "messages": [{"role": "user", "content": CREDIT}],
        "response_format": {"type": "json_schema", "json_schema": form},
        "stream": True,
        "stream_options": {"include_usage": True},
    }

    def content(found: list[Event]) -> str:
        choices = [c for _, e in found for c in e.get("choices", [])]
        return "".join(c["delta"].get("content") or "" for c in choices)

    path = "/openai/v1/chat/completions" if vendor == "groq" else "/v1/chat/completions"
    return Api(openai.compatible(vendor), _json(vendor, path, body), content)


def messages() -> Api:
    body = {**ask("anthropic").body, "stream": True}
    return Api(
        anthropic.VENDOR,
        _json("anthropic", "/v1/messages", body),
        lambda found: "".join(str(e.get("delta", {}).get("text", "")) for _, e in found),
    )


def generate() -> Api:
    path = "/v1beta/models/gemini-3.8-flash:streamGenerateContent"

    def text(found: list[Event]) -> str:
        parts = [
            p
            for _, e in found
            for c in e.get("candidates", [])
            for p in c["content"].get("parts", [])
        ]
        return "".join(part["text"] for part in parts)

    return Api(gemini.VENDOR, _json("gemini", path, ask("gemini").body), text)


APIS = {
    "responses": responses,
    "chat": chat,
    "groq": lambda: chat("groq"),
    "openrouter": lambda: chat("openrouter"),
    "messages": messages,
    "generate": generate,
}
PLAIN = SimulatorConfig(seed=7, error_rate=0)


def stream_of(api: Api, finish: Finish = Finish.NORMAL) -> Stream:
    service = Models(PLAIN, Book()).service(api.vendor)
    reply = service.answer(replace(api.asked, finish=finish))
    assert reply.media_type.startswith("text/event-stream")
    assert reply.bill is not None
    assert isinstance(reply.body, Stream)
    return reply.body


def spoken(api: Api, finish: Finish = Finish.NORMAL) -> list[Event]:
    return events(b"".join(stream_of(api, finish).pieces))


@pytest.mark.parametrize("name", APIS)
def test_the_pieces_of_each_api_make_the_answer(name: str) -> None:
    api = APIS[name]()
    reading = CreditReading.model_validate_json(api.text(spoken(api)))
    assert reading.level == "distress"
    assert 3 < len(stream_of(api).pieces) <= 22


def test_responses_events_are_named_by_type_numbered_and_end_in_one_final_event() -> None:
    found = spoken(responses())
    assert all(name == event["type"] for name, event in found)
    assert [event["sequence_number"] for _, event in found] == list(range(len(found)))
    names = [name for name, _ in found]
    assert names[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert names[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    last = found[-1][1]["response"]
    assert isinstance(last, dict)
    assert last["usage"]["output_tokens"] > 0
    assert spoken(responses(), Finish.TRUNCATED)[-1][0] == "response.incomplete"


def test_chat_ends_with_usage_without_choices_only_where_asked_for() -> None:
    found = [event for _, event in spoken(chat())]
    assert found[-1] == {"done": True}
    assert found[-2]["choices"] == []
    assert found[-2]["usage"]
    api = chat()
    body = json.loads(api.asked.body)
    del body["stream_options"]
    bare = replace(api, asked=replace(api.asked, body=json.dumps(body).encode()))
    assert all("usage" not in event for _, event in spoken(bare))
    assert any("x_groq" in event for _, event in spoken(chat("groq")))


def test_anthropic_counts_input_first_and_output_last() -> None:
    found = spoken(messages())
    names = [name for name, _ in found]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    start, delta = found[0][1]["message"], found[-2][1]
    assert isinstance(start, dict)
    assert start["usage"]["input_tokens"] > 0
    assert delta["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert delta["usage"]["output_tokens"] > 1


def test_gemini_sends_whole_responses_and_a_finish_reason_only_last() -> None:
    found = [event for _, event in spoken(generate())]
    reasons = [event["candidates"][0].get("finishReason") for event in found]
    assert reasons == [None] * (len(found) - 1) + ["STOP"]
    counts = [e["usageMetadata"]["candidatesTokenCount"] for e in found]
    assert counts == sorted(counts)


@pytest.mark.parametrize(
    ("finish", "words"),
    [
        (Finish.BLOCKED, ['"content_filter"', '"content_filter"', '"refusal"', '"SAFETY"']),
        (Finish.REFUSAL, ['"type": "refusal"', '"stop"', '"refusal"', '"PROHIBITED_CONTENT"']),
        (
            Finish.TRUNCATED,
            ['"reason": "max_output_tokens"', '"length"', '"max_tokens"', '"MAX_TOKENS"'],
        ),
        (
            Finish.BAD_TOOL,
            ['"function_call"', '"tool_calls"', '"tool_use"', '"MALFORMED_FUNCTION_CALL"'],
        ),
    ],
)
def test_each_vendor_has_its_own_word_for_an_odd_end(finish: Finish, words: list[str]) -> None:
    for api, word in zip((responses(), chat(), messages(), generate()), words, strict=True):
        assert word in json.dumps(spoken(api, finish)[-3:])


def test_a_chat_refuses_in_a_field_of_its_own() -> None:
    deltas = [
        e["choices"][0]["delta"] for _, e in spoken(chat(), Finish.REFUSAL) if e.get("choices")
    ]
    assert any(delta.get("refusal") for delta in deltas)
    assert not any(delta.get("content") for delta in deltas)


@pytest.mark.parametrize(
    ("name", "event_name", "place"),
    [
        ("responses", "error", "error"),
        ("chat", "", "error"),
        ("groq", "error", "error"),
        ("openrouter", "", "error"),
        ("messages", "error", "error"),
        ("generate", "", "error"),
    ],
)
def test_an_overload_in_mid_stream_is_worded_as_the_vendor_words_it(
    name: str, event_name: str, place: str
) -> None:
    first, *rest = events(stream_of(APIS[name]()).error)
    assert first[0] == event_name
    assert first[1][place]
    assert [n for n, _ in rest] == {"responses": ["response.failed"], "openrouter": [""]}.get(
        name, []
    )


def test_wrong_json_is_json_but_not_the_record() -> None:
    api = generate()
    text = api.text(spoken(api, Finish.WRONG_JSON))
    assert json.loads(text)
    with pytest.raises(ValueError, match="CreditReading"):
        CreditReading.model_validate_json(text)


@pytest.mark.parametrize("vendor", [openai.VENDOR, anthropic.VENDOR, gemini.VENDOR])
@pytest.mark.parametrize(
    "kind", [FaultKind.SPEND_LIMIT, FaultKind.QUOTA, FaultKind.RATE_LIMITED, FaultKind.OVERLOADED]
)
def test_no_two_refusals_of_a_vendor_are_alike(vendor: Vendor, kind: FaultKind) -> None:
    from simulator.config import Fault

    words = {k: _words(vendor.failure(Fault(service=vendor.name, kind=k))) for k in FaultKind}
    assert [k for k, said in words.items() if said == words[kind]] == [kind]


def _words(reply: Reply) -> str:
    return f"{reply.status} {json.dumps(reply.body)}"


def test_a_count_of_tokens_is_free() -> None:
    paths = {
        "openai": "/v1/responses/input_tokens",
        "anthropic": "/v1/messages/count_tokens",
        "gemini": "/v1beta/models/gemini-3.8-flash:countTokens",
    }
    for vendor in (openai.VENDOR, anthropic.VENDOR, gemini.VENDOR):
        service = Models(PLAIN, Book()).service(vendor)
        body = {k: v for k, v in ask(vendor.name).body.items() if k != "max_tokens"}
        reply = service.answer(_json(vendor.name, paths[vendor.name], body))
        assert reply.bill is None
        counts = reply.body
        assert isinstance(counts, dict)
        assert max(v for v in counts.values() if isinstance(v, int)) > len(CREDIT) / 4
