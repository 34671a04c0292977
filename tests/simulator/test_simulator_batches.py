"""Batches and background calls of the simulated vendors: their words, their time, a restart."""

import json
from pathlib import Path

import httpx
import pytest

from simulator.config import SimulatorConfig
from tests.simulator.world import FAST, Simulate, ask

pytestmark = pytest.mark.server

SLOW = 1.0
"""The speed of the real world: batches last minutes."""


def lines(*numbers: int, **more: object) -> bytes:
    body = {**ask("openai").body, **more}
    each = (
        {"custom_id": f"c-{n}", "method": "POST", "url": "/v1/responses", "body": body}
        for n in numbers
    )
    return "\n".join(map(json.dumps, each)).encode()


async def openai(client: httpx.AsyncClient, content: bytes) -> dict[str, object]:
    files = {"file": ("b.jsonl", content)}
    uploaded = await client.post("/openai/v1/files", data={"purpose": "batch"}, files=files)
    order = {
        "input_file_id": uploaded.json()["id"],
        "endpoint": "/v1/responses",
        "completion_window": "24h",
        "metadata": {"mark": "m"},
    }
    return dict((await client.post("/openai/v1/batches", json=order)).json())


async def anthropic(client: httpx.AsyncClient, *numbers: int, **more: object) -> httpx.Response:
    requests = [
        {"custom_id": f"c-{n}", "params": {**ask("anthropic").body, **more}} for n in numbers
    ]
    return await client.post("/anthropic/v1/messages/batches", json={"requests": requests})


async def test_batches_outlive_the_simulator(simulate: Simulate, tmp_path: Path) -> None:
    config = SimulatorConfig(speed=SLOW, error_rate=0, state=tmp_path / "state.jsonl")
    client = simulate(config)
    one = (await anthropic(client, 1, 2)).json()
    other = await openai(client, lines(1, 2, 3))
    path = f"/anthropic/v1/messages/batches/{one['id']}"
    await client.post(f"{path}/cancel")

    client = simulate(config)
    again = (await client.get(path)).json()
    assert again["processing_status"] == "ended"
    assert again["request_counts"]["canceled"] == 2
    found = (await client.get("/openai/v1/batches", params={"limit": 5})).json()["data"]
    assert [(b["id"], b["status"], b["metadata"]) for b in found] == [
        (other["id"], "in_progress", {"mark": "m"})
    ]
    assert found[0]["request_counts"]["total"] == 3


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lines(1, 1), "The custom_id of a line is not unique."),
        (lines(1) + b"\n" + lines(2, model="gpt-6-luna"), "All requests must use the same model."),
        (lines(1, stream=True), "Streaming is not supported in a batch."),
        (b"no json", "The input file holds no valid request."),
    ],
)
async def test_openai_fails_a_batch_whose_file_is_wrong(
    client: httpx.AsyncClient, content: bytes, why: str
) -> None:
    batch = await openai(client, content)
    assert batch["status"] == "failed"
    assert batch["errors"] == {"object": "list", "data": [{"code": "invalid", "message": why}]}


async def test_anthropic_refuses_a_wrong_batch(client: httpx.AsyncClient) -> None:
    for reply in (
        await anthropic(client, 1, 1),
        await anthropic(client, 1, stream=True),
        await anthropic(client),
    ):
        assert (reply.status_code, reply.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_background_call_is_billed_when_it_is_taken(simulate: Simulate) -> None:
    client = simulate(SimulatorConfig(speed=SLOW, error_rate=0))
    body = {**ask("openai").body, "background": True}
    refused = await client.post("/openai/v1/responses", json={**body, "store": False})
    assert refused.status_code == 400
    taken = (await client.post("/openai/v1/responses", json=body)).json()
    assert (taken["status"], taken["output"]) == ("in_progress", [])
    path = f"/openai/v1/responses/{taken['id']}"
    assert (await client.get(path)).json()["status"] == "in_progress"
    assert (await client.post(f"{path}/cancel")).json()["status"] == "cancelled"
    assert (await client.get("/openai/v1/responses/resp_none")).status_code == 404
    book = (await client.get("/_simulator/book")).json()
    assert book["billed"] == {"openai": 1}


async def test_fast_batches_are_over_at_once_and_counted_apart(client: httpx.AsyncClient) -> None:
    assert FAST >= 1000
    batch = (await anthropic(client, 1, 2)).json()
    while (batch := (await client.get(f"/anthropic/v1/messages/batches/{batch['id']}")).json())[
        "processing_status"
    ] != "ended":
        pass
    book = (await client.get("/_simulator/book")).json()
    assert (book["batches"], book["batched"], book["billed"]) == (
        {"anthropic": 1},
        {"anthropic": 2},
        {},
    )
