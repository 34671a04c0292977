"""Model vendors over HTTP: shapes, determinism, errors of models, billing."""

import httpx
import pytest

from simulator.config import VENDORS, SimulatorConfig
from tests.simulator.world import CREDIT, FAST, SYSTEM, Simulate, ask, prompt, text, usage
from workflows.data.common import Decision, Record
from workflows.data.due_diligence import Claim, Synthesis
from workflows.data.readings import CreditReading, IdentityReading

pytestmark = pytest.mark.server


@pytest.mark.parametrize("vendor", VENDORS)
async def test_each_vendor_answers_with_the_record_asked_for(
    client: httpx.AsyncClient, vendor: str
) -> None:
    reply = await ask(vendor).send(client)
    assert reply.status_code == 200
    assert reply.headers["x-braid-simulated"] == "1"
    reading = CreditReading.model_validate_json(text(vendor, reply))
    assert reading.level == "distress"
    assert "1.03" in reading.reasons[0]
    sent, received = usage(vendor, reply)
    assert abs(sent - (len(SYSTEM) + len(CREDIT)) / 4) <= 2
    assert abs(received - len(text(vendor, reply)) / 4) <= 1


async def test_openai_reply_has_the_wire_shape(client: httpx.AsyncClient) -> None:
    reply = await ask("openai").send(client)
    body = reply.json()
    assert body["object"] == "response"
    assert body["status"] == "completed"
    assert body["incomplete_details"] is None
    assert body["id"].startswith("resp_")
    assert body["output"][0]["type"] == "message"
    assert body["usage"]["total_tokens"] == sum(usage("openai", reply))
    assert body["usage"]["input_tokens_details"]["cached_tokens"] == 0
    assert reply.headers["x-request-id"]
    assert reply.headers["x-ratelimit-remaining-requests"].isdigit()
    assert reply.headers["x-ratelimit-reset-tokens"].endswith("ms")


async def test_anthropic_reply_has_the_wire_shape(client: httpx.AsyncClient) -> None:
    reply = await ask("anthropic").send(client)
    body = reply.json()
    assert (body["type"], body["role"]) == ("message", "assistant")
    assert body["stop_reason"] == "end_turn"
    assert body["usage"]["cache_read_input_tokens"] == 0
    assert reply.headers["request-id"].startswith("req_")
    assert reply.headers["retry-after"].isdigit(), "as recorded, on good answers too"
    assert reply.headers["anthropic-ratelimit-tokens-reset"].endswith("Z")


async def test_gemini_reply_has_the_wire_shape(client: httpx.AsyncClient) -> None:
    body = (await ask("gemini").send(client)).json()
    assert body["candidates"][0]["finishReason"] == "STOP"
    assert body["modelVersion"] == "gemini-3.8-flash"
    assert body["responseId"]
    counts = body["usageMetadata"]
    total = counts["promptTokenCount"] + counts["candidatesTokenCount"]
    assert counts["totalTokenCount"] == total


@pytest.mark.parametrize("vendor", VENDORS)
async def test_the_same_question_gets_the_same_answer(
    client: httpx.AsyncClient, vendor: str
) -> None:
    first, again = await ask(vendor).send(client), await ask(vendor).send(client)
    assert _without_times(first) == _without_times(again)
    other = await ask(vendor).send(client, sample=1)
    assert _without_times(first) != _without_times(other), "the ids hold the sample"


def _without_times(reply: httpx.Response) -> dict[str, object]:
    times = ("created_at", "completed_at")
    return {name: value for name, value in reply.json().items() if name not in times}


async def test_content_may_stand_in_blocks(client: httpx.AsyncClient) -> None:
    blocks = [{"role": "user", "content": [{"type": "input_text", "text": CREDIT}]}]
    reply = await ask("openai").send(client, {"input": blocks})
    assert CreditReading.model_validate_json(text("openai", reply)).level == "distress"
    blocks = [{"role": "user", "content": [{"type": "text", "text": CREDIT}]}]
    reply = await ask("anthropic").send(client, {"messages": blocks})
    assert CreditReading.model_validate_json(text("anthropic", reply)).level == "distress"


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("record", [Claim, Decision, IdentityReading])
async def test_a_question_without_documents_gets_a_smallest_fitting_answer(
    client: httpx.AsyncClient, vendor: str, record: type[Record]
) -> None:
    reply = await ask(vendor, "no documents here", record).send(client)
    answer = text(vendor, reply)
    if record is Decision:  # a pattern is not looked at
        assert '"verdict":"approve"' in answer
    else:
        record.model_validate_json(answer)


async def test_an_answer_over_the_limit_is_cut(client: httpx.AsyncClient) -> None:
    reply = await ask("openai", limit=16).send(client)
    assert reply.json()["status"] == "incomplete"
    assert reply.json()["incomplete_details"] == {"reason": "max_output_tokens"}
    assert usage("openai", reply)[1] == 16
    reply = await ask("anthropic", limit=3).send(client)
    assert reply.json()["stop_reason"] == "max_tokens"
    reply = await ask("gemini", limit=3).send(client)
    assert reply.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"


@pytest.mark.parametrize(
    ("vendor", "changes", "word"),
    [
        ("openai", {"model": None}, "model"),
        ("openai", {"max_output_tokens": 1}, "max_output_tokens"),
        ("openai", {"text": {"format": {"type": "json_schema", "name": "x"}}}, "schema"),
        ("anthropic", {"max_tokens": None}, "max_tokens"),
        ("anthropic", {"messages": []}, "messages"),
        ("gemini", {"stream": True}, "stream"),
        ("gemini", {"contents": []}, "contents"),
    ],
)
async def test_a_wrong_request_is_refused_in_the_vendors_words_and_not_billed(
    client: httpx.AsyncClient, vendor: str, changes: dict[str, object], word: str
) -> None:
    reply = await ask(vendor).send(client, changes)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert word in error["message"]
    kind = error["status"] if vendor == "gemini" else error["type"]
    assert kind == ("INVALID_ARGUMENT" if vendor == "gemini" else "invalid_request_error")
    assert (await client.get("/_simulator/book")).json()["billed"] == {}


async def test_anthropic_demands_its_version_header(client: httpx.AsyncClient) -> None:
    asked = ask("anthropic")
    reply = await client.post(asked.path, json=asked.body)
    assert reply.status_code == 400
    assert "anthropic-version" in reply.json()["error"]["message"]
    assert reply.json()["request_id"] == reply.headers["request-id"]


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
async def test_an_open_schema_is_refused(client: httpx.AsyncClient, vendor: str) -> None:
    schema = CreditReading.model_json_schema()
    del schema["additionalProperties"]
    form: dict[str, object] = {"type": "json_schema", "schema": schema}
    if vendor == "openai":
        changes: dict[str, object] = {"text": {"format": {**form, "name": "a", "strict": True}}}
    else:
        changes = {"output_config": {"format": form}}
    reply = await ask(vendor).send(client, changes)
    assert reply.status_code == 400
    assert "additionalProperties" in reply.json()["error"]["message"]


async def test_models_err_at_their_rate(simulate: Simulate) -> None:
    """300 prompts at 20 %: the count lies within four standard deviations (7 each) of 60."""
    config = SimulatorConfig(seed=7, speed=FAST, error_rates={"some": 0.2}, error_rate=0)
    client = simulate(config)
    wrong = sum([await _errs(client, "some", number) for number in range(300)])
    never = sum([await _errs(client, "other", number) for number in range(20)])
    print("seed 7, wrong of 300:", wrong)
    assert 32 <= wrong <= 88
    assert never == 0


async def _errs(client: httpx.AsyncClient, model: str, number: int) -> bool:
    filings = [{"form": "8-K", "filed": "2020-03-30", "accession": str(number), "items": ["1.03"]}]
    asked = ask("gemini", prompt({"filings": filings}), model=model)
    reading = CreditReading.model_validate_json(text("gemini", await asked.send(client)))
    return (reading.level, reading.confidence) != ("distress", 0.95)


async def test_a_model_that_always_errs_still_fits_the_record(simulate: Simulate) -> None:
    user = prompt({"tier": "low", "evidence": [{"id": "e1"}]})
    config = SimulatorConfig(seed=7, speed=FAST, error_rate=1)
    outcomes: set[str] = set()
    client = simulate(config)
    for sample in range(30):
        reply = await ask("openai", user, Synthesis).send(client, sample=sample)
        outcomes.add(text("openai", reply))
        Synthesis.model_validate_json(text("openai", reply))
    assert len(outcomes) == 4, "each of the four mistakes is made"
    assert any("e99" in outcome for outcome in outcomes)


async def test_every_accepted_request_is_billed(client: httpx.AsyncClient) -> None:
    for vendor in VENDORS:
        await ask(vendor).send(client)
    await ask("openai").send(client)
    await ask("openai").send(client, {"stream": True})
    await ask("openai").send(client, {"model": None})
    book = (await client.get("/_simulator/book")).json()
    assert book["billed"] == {"openai": 3, "anthropic": 1, "gemini": 1}
    assert book["requests"]["openai"] == 4
