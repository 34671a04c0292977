"""Streams, broken answers and limits as a client meets them over real HTTP."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from simulator.config import VENDORS
from simulator.limits import LimitKind
from tests.simulator.world import Ask, ask
from workflows.data.readings import CreditReading

pytestmark = pytest.mark.server

ENDS = {"openai": "response.completed", "anthropic": "message_stop", "gemini": "STOP"}
"""A word of the last event of each vendor's streams."""


def streamed(vendor: str) -> Ask:
    asked = ask(vendor)
    if vendor == "gemini":
        path = asked.path.replace(":generateContent", ":streamGenerateContent?alt=sse")
        return Ask(vendor, path, asked.headers, asked.body)
    return Ask(vendor, asked.path, asked.headers, {**asked.body, "stream": True})


async def put(client: httpx.AsyncClient, what: str, *items: dict[str, object]) -> None:
    reply = await client.put(f"/_simulator/{what}", json=list(items))
    assert reply.status_code == 200, reply.text


async def book(client: httpx.AsyncClient) -> dict[str, Any]:
    shown: dict[str, Any] = (await client.get("/_simulator/book")).json()
    return shown


async def pieces(client: httpx.AsyncClient, asked: Ask, most: int) -> list[bytes]:
    """Read at most so many pieces of an answer and go away."""
    found: list[bytes] = []
    async with client.stream("POST", asked.path, headers=asked.headers, json=asked.body) as answer:
        async for piece in answer.aiter_raw():
            found.append(piece)
            if len(found) == most:
                break
    return found


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_stream_is_billed_and_booked(client: httpx.AsyncClient, vendor: str) -> None:
    reply = await streamed(vendor).send(client)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["x-braid-simulated"] == "1"
    assert (await book(client))["billed"] == {vendor: 1}
    traffic = (await book(client))["traffic"][vendor]
    (model,) = traffic
    assert (traffic[model]["accepted"], traffic[model]["limited"]) == (1, 0)
    assert traffic[model]["bytes_out"] == len(reply.content)
    assert traffic[model]["first"] == traffic[model]["last"]


@pytest.mark.parametrize("vendor", [*VENDORS, "gleif"])
@pytest.mark.parametrize("kind", ["hang", "drip", "cut"])
async def test_an_answer_that_never_ends_or_breaks(
    client: httpx.AsyncClient, vendor: str, kind: str
) -> None:
    await put(client, "faults", {"service": vendor, "kind": kind, "seconds": 0.01, "times": 1})
    if vendor == "gleif":
        asked = Ask("gleif", "/gleif/api/v1/lei-records/549300MKFYEKVRWML317", {}, {})
    else:
        asked = streamed(vendor)
    if kind == "cut":
        with pytest.raises(httpx.RemoteProtocolError):
            await pieces(client, asked, 100)
    elif kind == "drip":
        found = b"".join(await pieces(client, asked, 5))
        assert all(end.encode() not in found for end in ENDS.values())
    else:
        hanging = asyncio.create_task(pieces(client, asked, 100))
        while (await client.get("/_simulator/faults")).json():
            pass  # until the request has come
        assert not (await asyncio.wait([hanging], timeout=0.2))[0]
        hanging.cancel()
    assert (await asked.send(client)).is_success or vendor == "gleif"


@pytest.mark.parametrize("vendor", VENDORS)
async def test_plain_answers_are_cut_too(client: httpx.AsyncClient, vendor: str) -> None:
    await put(client, "faults", {"service": vendor, "kind": "cut", "times": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(vendor).send(client)
    await put(client, "faults", {"service": vendor, "kind": "unfinished"})
    with pytest.raises(json.JSONDecodeError):
        (await ask(vendor).send(client)).json()


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_stream_may_stop_short_or_fail_with_status_200(
    client: httpx.AsyncClient, vendor: str
) -> None:
    assert ENDS[vendor] in (await streamed(vendor).send(client)).text
    await put(client, "faults", {"service": vendor, "kind": "unfinished", "times": 1})
    assert ENDS[vendor] not in (await streamed(vendor).send(client)).text
    await put(client, "faults", {"service": vendor, "kind": "error_in_stream", "times": 1})
    reply = await streamed(vendor).send(client)
    assert reply.status_code == 200
    assert ENDS[vendor] not in reply.text
    assert '"error"' in reply.text


async def test_a_gateway_answers_with_a_page_or_with_an_error_under_200(
    client: httpx.AsyncClient,
) -> None:
    await put(client, "faults", {"service": "*", "kind": "html"})
    reply = await streamed("openai").send(client)
    assert (reply.status_code, reply.headers["content-type"]) == (502, "text/html")
    await put(client, "faults", {"service": "*", "kind": "html", "status": 200})
    assert (await streamed("openai").send(client)).status_code == 200
    await put(client, "faults", {"service": "*", "kind": "error_under_200"})
    for vendor in VENDORS:
        reply = await streamed(vendor).send(client)
        assert (reply.status_code, "error" in reply.json()) == (200, True)
    assert (await book(client))["billed"] == {}


async def test_a_fault_may_meet_one_model_or_a_share_of_the_requests(
    client: httpx.AsyncClient,
) -> None:
    await put(client, "faults", {"service": "openai", "kind": "error", "model": "another"})
    assert (await ask("openai").send(client)).status_code == 200
    assert (await ask("openai", model="another").send(client)).status_code == 500
    await put(client, "faults", {"service": "openai", "kind": "error", "share": 0.3})
    statuses = [(await ask("openai").send(client, sample=n)).status_code for n in range(100)]
    print("seed 7, failed of 100:", statuses.count(500))
    assert 10 <= statuses.count(500) <= 50, "4 standard deviations round 30"
    again = {(await ask("openai").send(client, sample=0)).status_code for _ in range(40)}
    assert again == {200, 500}, "a retry draws anew"


@pytest.mark.parametrize("kind", LimitKind)
@pytest.mark.parametrize("vendor", [*VENDORS, "groq", "gleif"])
async def test_a_limit_is_enforced_in_the_vendors_own_words(
    client: httpx.AsyncClient, vendor: str, kind: LimitKind
) -> None:
    await put(client, "limits", {"service": vendor, "requests": 3, "per": 3600, "kind": kind})
    if vendor == "gleif":
        asked = Ask("gleif", "/gleif/api/v1/lei-records/549300MKFYEKVRWML317", {}, {})
    elif vendor == "groq":
        body: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hi."}]}
        asked = Ask("groq", "/groq/openai/v1/chat/completions", {}, {**body, "stream": True})
    else:
        asked = streamed(vendor)
    replies = [await asked.send(client, sample=n) for n in range(5)]
    assert [r.status_code == 429 for r in replies] == [False] * 3 + [True] * 2
    refused = replies[-1]
    if vendor == "gemini":
        assert "RetryInfo" in refused.text
    else:
        assert int(refused.headers["retry-after"]) > 1000
    shown = await book(client)
    (traffic,) = shown["traffic"][vendor].values()
    assert (traffic["accepted"], traffic["limited"]) == (3, 2)
    assert shown["billed"].get(vendor, 0) == (0 if vendor == "gleif" else 3)
    await put(client, "limits")
    assert (await asked.send(client)).status_code != 429


async def test_a_limit_is_told_only_when_it_shall_be(client: httpx.AsyncClient) -> None:
    limit: dict[str, object] = {"service": "*", "requests": 5, "per": 60}
    told = "x-ratelimit-limit-requests"
    await put(client, "limits", {**limit, "service": "openai"})
    assert (await ask("openai").send(client)).headers[told] == "10000"
    await put(client, "limits", {**limit, "service": "openai", "announce": True})
    assert (await ask("openai").send(client)).headers[told] == "5"
    await put(client, "limits", {**limit, "service": "anthropic", "announce": True})
    headers = (await ask("anthropic").send(client)).headers
    assert headers["anthropic-ratelimit-requests-remaining"] == "4"
    reply = await client.put("/_simulator/limits", json=[{"service": "openai"}])
    assert reply.status_code == 422


async def test_any_name_answers_as_a_compatible_vendor(client: httpx.AsyncClient) -> None:
    schema = CreditReading.model_json_schema()
    body: dict[str, object] = {
        "model": "llama",
        "messages": [
            {"role": "system", "content": f"Answer as JSON of this schema: {json.dumps(schema)}"},
            {"role": "user", "content": '<documents>\n{"filings": []}\n</documents>'},
        ],
        "response_format": {"type": "json_object"},
        "max_tokens": 300,
    }
    reply = await client.post("/ollama/v1/chat/completions", json=body)
    CreditReading.model_validate_json(reply.json()["choices"][0]["message"]["content"])
    reply = await client.post("/local-llm/v1/responses", json={"model": "m", "input": "Hi."})
    assert reply.json()["output"][0]["content"][0]["text"]
    assert (await book(client))["billed"] == {"ollama": 1, "local-llm": 1}
    assert (await client.post("/nobody/v1/embeddings", json={})).status_code == 404


LONG = "A sentence of the shared context, word for word the same. " * 200


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_prompt_that_comes_again_is_read_from_the_cache(
    client: httpx.AsyncClient, vendor: str
) -> None:
    async def usage(question: str) -> tuple[int, int, int]:
        asked = ask(vendor)
        if vendor == "anthropic":
            mark = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}
            blocks = [mark, {"type": "text", "text": question}]
            reply = await asked.send(client, {"messages": [{"role": "user", "content": blocks}]})
            found = reply.json()["usage"]
            cached, written = found["cache_read_input_tokens"], found["cache_creation_input_tokens"]
            return found["input_tokens"] + cached + written, cached, written
        text = f"{LONG}\n{question}"
        if vendor == "gemini":
            contents = [{"role": "user", "parts": [{"text": text}]}]
            found = (await asked.send(client, {"contents": contents})).json()["usageMetadata"]
            return found["promptTokenCount"], found.get("cachedContentTokenCount", 0), 0
        found = (await asked.send(client, {"input": text})).json()["usage"]
        details = found["input_tokens_details"]
        return found["input_tokens"], details["cached_tokens"], details["cache_write_tokens"]

    total, cached, written = await usage("What is the first word?")
    assert cached == 0
    assert (written > 1024) is (vendor != "gemini")
    again, cached, written = await usage("What is the last word of all?")
    assert cached > 0.9 * len(LONG) / 4
    assert (written, abs(again - total) < 10) == (0, True)


async def test_an_asker_that_dies_while_it_asks_is_no_error(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    _reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(b"POST /openai/v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await book(client))["requests"].get("openai", 0) == 0
    assert [r.message for r in caplog.records if r.name == "uvicorn.error"] == []
