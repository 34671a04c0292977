"""Each fault of each service, as its clients would meet it."""

import json
import time
from collections.abc import Mapping

import httpx
import pytest

from simulator.config import EFFECTS, SERVICES, SOURCES, VENDORS, Fault, FaultKind, SimulatorConfig
from simulator.sources.worldbank import PATH as BARRED_LIST
from tests.simulator.world import FAST, Simulate, ask

pytestmark = pytest.mark.server

OVER_HTTP = [service for service in SERVICES if service != "mail"]
"""Mail is SMTP; its faults are in test_activities_mail.py."""

BAD = [{"row": {"id": "1"}, "why": "no amount"}]
PROFILE = "/companies_house/company/00041424"


async def put(client: httpx.AsyncClient, *faults: Mapping[str, object]) -> None:
    reply = await client.put("/_simulator/faults", json=list(faults))
    assert reply.status_code == 200, reply.text


async def send(client: httpx.AsyncClient, service: str) -> httpx.Response:
    """Send a good request to a service."""
    if service in VENDORS:
        return await ask(service).send(client)
    if service in SOURCES:
        paths = {
            "companies_house": PROFILE,
            "gleif": "/gleif/api/v1/lei-records/549300MKFYEKVRWML317",
            "ofac": "/ofac/api/PublicationPreview/exports/SDN.CSV",
            "edgar": "/edgar/submissions/CIK0001009672.json",
            "vies": "/vies/ms/IE/vat/9000000C",
            "news": "/news/v2/everything?q=Unilever",
            "dns": "/dns/resolve?name=unilever.example&type=MX",
            "worldbank": f"/worldbank{BARRED_LIST}",
            "rows": "/rows/rows?after=0&limit=5",
        }
        if service in paths:
            agent = {"user-agent": "braid tests@braid.example"}
            return await client.get(paths[service], headers=agent)
        query = {"schema": "Company", "properties": {"name": ["Unilever"]}}
        return await client.post("/opensanctions/match/default", json={"queries": {"q": query}})
    if service == "chat":
        return await client.post("/chat/webhook", json={"text": "hello"})
    orders = {
        "accounts": {"action": "create_customer", "case": "c", "customer_name": "C"},
        "payments": {"action": "authorise", "payment": "p", "token": "t", "amount": "1.00"},
        "warehouses": {"action": "release", "warehouse": "lyon", "reservation": "r"},
        "carrier": {"action": "void_label", "label": "l"},
        "table": {"action": "set_rows_aside", "table": "t", "batch": "b", "bad": BAD},
    }
    key = {"idempotency-key": "k"}
    return await client.post(f"/{service}/orders", json=orders[service], headers=key)


@pytest.mark.parametrize("service", OVER_HTTP)
@pytest.mark.parametrize("kind", ["down", "drop"])
async def test_a_broken_connection_gives_no_answer_once(
    client: httpx.AsyncClient, service: str, kind: str
) -> None:
    await put(client, {"service": service, "kind": kind, "times": 1})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await send(client, service)
    assert (await send(client, service)).is_success
    book = (await client.get("/_simulator/book")).json()
    taken = 2 if kind == "drop" else 1
    assert book["requests"][service] == 2
    if service in VENDORS:
        assert book["billed"][service] == taken, "dropped is billed, down is not"
    if service in EFFECTS and service not in ("mail", "chat"):
        assert book["effects"]["total"] == 1, "the key makes the second a replay"


STATUS = {
    FaultKind.ERROR: dict.fromkeys(SERVICES, 500),
    FaultKind.OVERLOADED: {**dict.fromkeys(SERVICES, 503), "anthropic": 529, "vies": 200},
    FaultKind.RATE_LIMITED: {**dict.fromkeys(SERVICES, 429), "vies": 200},
    FaultKind.QUOTA: {**dict.fromkeys(SERVICES, 429), "vies": 200},
}


@pytest.mark.parametrize("service", OVER_HTTP)
@pytest.mark.parametrize("kind", list(STATUS))
async def test_a_refusal_has_its_status_and_is_neither_billed_nor_performed(
    client: httpx.AsyncClient, service: str, kind: FaultKind
) -> None:
    await put(client, {"service": service, "kind": kind})
    reply = await send(client, service)
    assert reply.status_code == STATUS[kind][service]
    assert reply.headers["x-braid-simulated"] == "1"
    if kind is FaultKind.RATE_LIMITED and service not in ("gemini", "vies"):
        assert int(reply.headers["retry-after"]) >= 1
    book = (await client.get("/_simulator/book")).json()
    assert book["billed"] == {}
    assert book["effects"]["total"] == 0
    assert (book["mails"], book["chats"]) == ([], 0)


async def test_rate_limits_tell_the_wait_in_the_vendors_manner(client: httpx.AsyncClient) -> None:
    await put(client, {"service": "*", "kind": "rate_limited", "retry_after": 2.5})
    openai, anthropic, gemini = [await send(client, vendor) for vendor in VENDORS]
    assert openai.headers["retry-after-ms"] == "2500"
    assert openai.headers["retry-after"] == "3"
    assert openai.json()["error"]["code"] == "rate_limit_exceeded"
    assert anthropic.headers["retry-after"] == "3"
    assert anthropic.json()["error"]["type"] == "rate_limit_error"
    details = gemini.json()["error"]["details"]
    assert [d["retryDelay"] for d in details if d["@type"].endswith("RetryInfo")] == ["2.5s"]
    assert "retry-after" not in gemini.headers


async def test_a_used_up_quota_says_never(client: httpx.AsyncClient) -> None:
    await put(client, {"service": "*", "kind": "quota"})
    openai, anthropic, gemini = [await send(client, vendor) for vendor in VENDORS]
    assert openai.json()["error"]["code"] == "insufficient_quota"
    details = anthropic.json()["error"]["details"]
    assert details == {"error_code": "enforced_spend_limit_reached"}
    assert "PerDay" in gemini.text
    assert "RetryInfo" not in gemini.text
    month = await send(client, "opensanctions")
    assert "monthly" in month.json()["detail"]
    for reply in (openai, anthropic, gemini, month):
        assert "retry-after" not in reply.headers


@pytest.mark.parametrize("vendor", VENDORS)
async def test_overload_and_error_use_the_vendors_envelope(
    client: httpx.AsyncClient, vendor: str
) -> None:
    faults = [{"service": vendor, "kind": kind, "times": 1} for kind in ("overloaded", "error")]
    await put(client, *faults)
    overloaded, error = await send(client, vendor), await send(client, vendor)
    words = {
        "openai": ("service_unavailable_error", "server_error"),
        "anthropic": ("overloaded_error", "api_error"),
        "gemini": ("UNAVAILABLE", "INTERNAL"),
    }[vendor]
    key = "status" if vendor == "gemini" else "type"
    assert (overloaded.json()["error"][key], error.json()["error"][key]) == words


@pytest.mark.parametrize("service", OVER_HTTP)
async def test_nonsense_comes_under_200(client: httpx.AsyncClient, service: str) -> None:
    await put(client, {"service": service, "kind": "nonsense"})
    reply = await send(client, service)
    assert reply.status_code == 200
    if service in (*VENDORS, "gleif"):
        assert reply.json() == {"result": "OK", "items": [None]}
    else:
        assert reply.headers["content-type"].startswith("text/html")
        with pytest.raises(json.JSONDecodeError):
            reply.json()


async def test_refusals_end_as_each_vendor_ends_them(client: httpx.AsyncClient) -> None:
    await put(client, *({"service": vendor, "kind": "refusal"} for vendor in VENDORS))
    openai, anthropic, gemini = [(await send(client, vendor)).json() for vendor in VENDORS]
    assert openai["output"][0]["content"][0]["type"] == "refusal"
    assert (anthropic["stop_reason"], anthropic["content"]) == ("refusal", [])
    assert "candidates" not in gemini
    assert gemini["promptFeedback"]["blockReason"]
    billed = (await client.get("/_simulator/book")).json()["billed"]
    assert billed == dict.fromkeys(VENDORS, 1)


async def test_truncation_ends_as_each_vendor_ends_it(client: httpx.AsyncClient) -> None:
    await put(client, *({"service": vendor, "kind": "truncated"} for vendor in VENDORS))
    openai, anthropic, gemini = [(await send(client, vendor)).json() for vendor in VENDORS]
    assert openai["status"] == "incomplete"
    assert anthropic["stop_reason"] == "max_tokens"
    assert gemini["candidates"][0]["finishReason"] == "MAX_TOKENS"
    with pytest.raises(json.JSONDecodeError):
        json.loads(openai["output"][0]["content"][0]["text"])


async def test_slow_adds_real_seconds_whatever_the_speed(client: httpx.AsyncClient) -> None:
    await put(client, {"service": "gleif", "kind": "slow", "seconds": 0.2})
    started = time.monotonic()
    assert (await send(client, "gleif")).status_code == 200
    assert time.monotonic() - started >= 0.2


async def test_a_fault_may_be_limited_to_a_path_and_a_number_of_times(
    client: httpx.AsyncClient,
) -> None:
    await put(
        client,
        {
            "service": "companies_house",
            "kind": "error",
            "path": "/persons",
            "times": 2,
            "status": 502,
        },
    )
    assert (await client.get(PROFILE)).status_code == 200
    assert (await client.get(f"{PROFILE}/persons-with-significant-control")).status_code == 502
    shown = (await client.get("/_simulator/faults")).json()
    assert [fault["times"] for fault in shown] == [1]
    assert (await client.get(f"{PROFILE}/persons-with-significant-control")).status_code == 502
    assert (await client.get(f"{PROFILE}/persons-with-significant-control")).status_code == 404
    assert (await client.get("/_simulator/faults")).json() == []


@pytest.mark.parametrize(
    "fault",
    [
        {"service": "gleif", "kind": "gone"},
        {"service": "gleiff", "kind": "down"},
        {"service": "No Body", "kind": "down"},
        {"service": "*", "kind": "wrong_json"},
        {"service": "gleif", "kind": "refusal"},
        {"service": "gleif", "kind": "down", "times": 0},
    ],
)
async def test_an_impossible_fault_is_refused(
    client: httpx.AsyncClient, fault: dict[str, object]
) -> None:
    reply = await client.put("/_simulator/faults", json=[fault])
    assert reply.status_code == 422
    assert (await client.get("/_simulator/faults")).json() == []


async def test_faults_may_be_there_from_the_start(simulate: Simulate) -> None:
    faults = (Fault(service="chat", kind=FaultKind.ERROR),)
    faulty = simulate(SimulatorConfig(speed=FAST, faults=faults))
    assert (await send(faulty, "chat")).status_code == 500
    assert (await send(faulty, "accounts")).status_code == 200
    assert set(SERVICES) == {*VENDORS, *SOURCES, *EFFECTS}
