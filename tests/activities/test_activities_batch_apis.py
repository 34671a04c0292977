"""The vendors' batch APIs as pure functions: what is sent, and what their answers say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from activities.llm.batch_apis import AnthropicBatches, Line, OpenAiBatches, opened, results_of
from activities.wire import HttpRequest
from workflows.data.batch import BatchOrder, BatchQuestion, ItemEnd
from workflows.data.llm import ModelRef, ModelRequest, Prompt


def line(key: str, **body: object) -> Line:
    sent = {"model": "m", "stream": True, "stream_options": {"include_usage": True}, **body}
    return Line(key, HttpRequest("POST", "/responses", json.dumps(sent).encode()))


def test_openai_takes_a_file_of_plain_requests_and_a_batch_that_carries_our_key() -> None:
    api, lines = OpenAiBatches(), [line("a", input="1\n2"), line("b", input="x\u2028y")]
    upload = api.upload(lines)
    assert upload is not None
    assert (upload.path, upload.headers["content-type"][:20]) == ("/files", "multipart/form-data;")
    sent = [x for x in upload.content.split(b"\n") if x.startswith(b'{"custom_id"')]
    assert [json.loads(x) for x in sent] == [
        {
            "custom_id": key,
            "method": "POST",
            "url": "/v1/responses",
            "body": {"model": "m", "input": text},
        }
        for key, text in (("a", "1\n2"), ("b", "x\u2028y"))
    ]
    assert opened(api.create("key", lines, b'{"id":"file-1"}').content) == {
        "input_file_id": "file-1",
        "endpoint": "/v1/responses",
        "completion_window": "24h",
        "metadata": {"braid": "key"},
    }


def test_anthropic_takes_the_requests_with_the_batch() -> None:
    api = AnthropicBatches()
    assert api.upload([line("a")]) is None
    assert opened(api.create("key", [line("a", max_tokens=9)], b"").content) == {
        "requests": [{"custom_id": "a", "params": {"model": "m", "max_tokens": 9}}]
    }


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("validating", False),
        ("in_progress", False),
        ("finalizing", False),
        ("cancelling", False),
        ("completed", True),
        ("failed", True),
        ("expired", True),
        ("cancelled", True),
    ],
)
def test_openai_says_when_a_batch_is_over(status: str, ended: bool) -> None:
    body = {
        "id": "batch_1",
        "status": status,
        "created_at": 1_800_000_000,
        "output_file_id": "file-out",
        "error_file_id": None,
        "errors": {"data": [{"message": "mixed models"}]} if status == "failed" else None,
        "request_counts": {"total": 3, "completed": 2, "failed": 1},
        "metadata": {"braid": "key"},
    }
    told = OpenAiBatches().standing(body)
    assert (told.remote, told.ended, told.mark, told.total) == ("batch_1", ended, "key", 3)
    assert told.results == ("/files/file-out/content",)
    assert told.why == ("mixed models" if status == "failed" else status)


def test_anthropic_says_when_a_batch_is_over_and_results_are_fetched_by_path() -> None:
    counts = {"processing": 1, "succeeded": 2, "errored": 0, "canceled": 0, "expired": 0}
    body = {
        "id": "msgbatch_1",
        "processing_status": "in_progress",
        "created_at": "2026-11-26T18:37:24.100435Z",
        "request_counts": counts,
        "results_url": None,
    }
    told = AnthropicBatches().standing(body)
    assert (told.ended, told.total, told.told) == (False, 3, "in_progress, 2 of 3 done")
    assert told.created_at == datetime(2026, 11, 26, 18, 37, 24, 100435, UTC)
    url = "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results"
    over = AnthropicBatches().standing(body | {"processing_status": "ended", "results_url": url})
    assert (over.ended, over.results) == (True, ("/v1/messages/batches/msgbatch_1/results",))


def openai(key: str, response: object, error: object = None) -> dict[str, Any]:
    return {"id": "r", "custom_id": key, "response": response, "error": error}


OPENAI = [
    openai("a", {"status_code": 200, "body": {"object": "response"}}),
    openai("b", {"status_code": 400, "body": {"error": {"code": "bad", "type": "x"}}}),
    openai("c", None, {"code": "batch_expired", "message": "late"}),
    openai("d", None, {"code": "batch_cancelled", "message": "stopped"}),
]
ANTHROPIC = [
    {"custom_id": "a", "result": {"type": "succeeded", "message": {"object": "response"}}},
    {
        "custom_id": "b",
        "result": {"type": "errored", "error": {"type": "error", "error": {"type": "400 bad"}}},
    },
    {"custom_id": "c", "result": {"type": "expired"}},
    {"custom_id": "d", "result": {"type": "canceled"}},
]


@pytest.mark.parametrize(
    ("api", "lines"), [(OpenAiBatches(), OPENAI), (AnthropicBatches(), ANTHROPIC)]
)
def test_each_line_of_the_results_says_what_became_of_its_request(api: Any, lines: Any) -> None:
    body = "\n".join(map(json.dumps, reversed(lines))).encode() + b"\n\ncut off {\n"
    found = {result.key: result for result in results_of(api, body)}
    assert [found[key].end for key in "abcd"] == [
        ItemEnd.ANSWERED,
        ItemEnd.FAILED,
        ItemEnd.EXPIRED,
        ItemEnd.CANCELLED,
    ]
    assert opened(found["a"].body) == {"object": "response"}
    assert found["b"].why == "400 bad"


def test_an_order_is_for_one_model_and_names_each_question_once() -> None:
    prompt = Prompt(name="p", version=1, system="", user="?", answer="A")
    one, other = (
        ModelRequest(target=ModelRef(vendor="openai", model=m), prompt=prompt) for m in "ab"
    )
    with pytest.raises(ValueError, match="go to one model; make a batch of each"):
        BatchOrder(
            questions=(BatchQuestion(key="1", request=one), BatchQuestion(key="2", request=other))
        )
    with pytest.raises(ValueError, match="same key; name each once"):
        BatchOrder(questions=(BatchQuestion(key="1", request=one),) * 2)
