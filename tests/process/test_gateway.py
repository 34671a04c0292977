"""The gateway: the curl lines of its page as they stand there, and what it refuses."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cli import cases
from cli.arriving.beginning import Beginning
from cli.arriving.callers import signing_in
from cli.arriving.gateway import LARGEST, Gateway, create_app
from cli.processes import process
from runtime import key_file
from runtime.keys import KeyRing
from runtime.serving import serving
from runtime.settings import ROOT
from runtime.tokens import GATEWAY, token
from store.attempts import Attempts
from tests.support.tools import needs
from tests.support.world import World, case_file
from workflows.data.announce import ANNOUNCE

pytestmark = [pytest.mark.server, needs("curl")]
TOKEN = "t0ken"
ACCEPTED = {"shop.order.paid": "order-fulfilment"}
UNILEVER = case_file("unilever").model_dump(mode="json")
DECISION = {"verdict": "approve", "by": "ana"}


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    key_file.new(tmp_path / "callers.json", date(2026, 11, 27))
    return KeyRing(tmp_path / "callers.json")


@pytest_asyncio.fixture
async def gateway(here: World, ring: KeyRing) -> AsyncIterator[str]:
    begin = Beginning(here.client, here.store, queue=here.queue)
    made = Gateway(here.client, begin, ACCEPTED, Attempts(here.store))
    async with serving(create_app(made, signing_in(TOKEN, ring)), 0) as url:
        yield url


def lines_of_the_page() -> list[str]:
    text = (ROOT / "docs" / "operations" / "services.md").read_text("utf-8")
    return text.split("<!-- gateway:")[1].split("```sh\n")[1].split("```")[0].splitlines()


async def send(line: str, url: str, case: str = "", token: str = TOKEN) -> Any:
    """Send one line of the page through a shell and give the JSON that came back."""
    script = f"GATEWAY_TOKEN={token}; G={url}; CASE={case}\n{lines_of_the_page()[0]}\n{line}"
    shell = await asyncio.create_subprocess_exec("sh", "-c", script, stdout=asyncio.subprocess.PIPE)
    said, _ = await shell.communicate()
    assert shell.returncode == 0, line
    return json.loads(said)


async def test_the_pages_curl_lines_do_what_it_says(here: World, gateway: str) -> None:
    """An event starts one case however often it comes; a case is asked, told, decided, read."""
    _, event, status, gates, signal, decide, result = lines_of_the_page()
    begun, again = await send(event, gateway), await send(event, gateway)
    assert (begun["started"], again["started"]) == (True, False)
    assert begun["case"] == again["case"]
    assert "o-17" not in begun["case"], "an id may name a person"
    result = result.replace("20", "60")
    order = await send(result, gateway, begun["case"])
    assert (order["state"], order["result"]["case"]) == ("completed", "o-17")

    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    assert (await send(status, gateway, handle.id))["status"]["phase"] == "review"
    [gate] = await send(gates, gateway, handle.id)
    assert gate["proposal"] == "approve"
    assert (await send(signal, gateway, handle.id))["sent"] == "event"
    await here.until(handle, "events", lambda inbox: ["shop", "paid", "17"] in inbox["known"])
    assert (await send(decide, gateway, handle.id))["settled"] is True
    ended = await send(result, gateway, handle.id)
    assert (ended["state"], ended["result"]["outcome"]) == ("completed", "approve")


async def test_what_is_wrong_is_refused_in_one_line_and_starts_nothing(
    here: World, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    case, nowhere = f"/cases/{handle.id}", f"{here.queue}-without-worker"
    how = cases.Start(queue=nowhere)
    lonely = await cases.start(here.client, process("due-diligence"), case_file("unilever"), how)
    here.started.append(lonely)
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "shop.order.paid"}
    deep = "[" * 100_000
    tries: list[tuple[int, str, str, str | None]] = [
        (404, "no process", "/processes/nothing", "{}"),
        (422, "case", "/processes/due-diligence", "{}"),
        (422, "no JSON", "/processes/due-diligence", deep),
        (413, "at most", "/processes/due-diligence", " " * (LARGEST + 1)),
        (422, "specversion", "/events", "[]"),
        (422, "starts nothing", "/events", json.dumps({**event, "type": "other"})),
        (422, "customer", "/events", json.dumps({**event, "data": {"case": "x"}})),
        (404, "nobody", "/cases/nobody/updates/decide", "{}"),
        (404, "has no 'other'", f"{case}/updates/other", "{}"),
        (422, "verdict", f"{case}/updates/decide", '{"by": 7}'),
        (409, "not a reviewer", f"{case}/updates/decide", '{"verdict": "approve", "by": "zed"}'),
        (422, "party_id", f"{case}/signals/reference_reply", '{"text": []}'),
        (422, "announce", "/processes/due-diligence?announce=No!", json.dumps(UNILEVER)),
        (404, "nobody", "/cases/nobody", None),
        (404, "has no", f"{case}/queries/secrets", None),
        (422, "seconds", f"{case}/result?wait=soon", None),
        (422, "seconds", f"{case}/result?wait=nan", None),
        (404, "error", f"/cases/{'x' * 50_000}", None),
        (404, "error", "/cases/../etc/passwd", None),
        (202, "running", f"{case}/result", None),
        (503, "no worker", f"/cases/{lonely.id}/updates/decide", json.dumps(DECISION)),
        (503, "no worker", f"/cases/{lonely.id}/queries/status", None),
    ]
    async with httpx.AsyncClient(base_url=gateway, timeout=60) as client:
        for headers in ({}, {"authorization": "Bearer other"}, {"authorization": TOKEN}):
            refused = await client.get(case, headers=headers)
            assert (refused.status_code, list(refused.json())) == (401, ["error"])
        client.headers["authorization"] = f"Bearer {TOKEN}"
        for status, words, path, content in tries:
            if lonely.id in path:  # any other case answers, however slow the machine
                monkeypatch.setattr(cases, "PATIENCE", timedelta(seconds=0.2))
            method = "GET" if content is None else "POST"
            said = await client.request(method, path, content=content)
            assert (said.status_code, words in said.text) == (status, True), (path, said.text)
            assert "\\n" not in said.text
            assert "Traceback" not in said.text
            assert len(said.text) < 5_000
    [kept] = await Attempts(here.store).rows()
    assert (kept.actor.id, kept.target) == ("zed", f"{handle.id} review")
    assert kept.reason.endswith("(sent by shared secret)")
    await here.decide(handle, "approve", "ana")
    assert (await here.result(handle)).outcome == "approve"


async def test_a_caller_does_what_its_token_says_under_its_name(
    here: World, gateway: str, ring: KeyRing
) -> None:
    def allowed(who: str, *rights: str) -> dict[str, str]:
        made = token(
            ring, who, timedelta(minutes=5), datetime.now(UTC), audience=GATEWAY, rights=rights
        )
        return {"authorization": f"Bearer {made}"}

    shop, desk = allowed("shop", "start", "send"), allowed("desk", "decide")
    event = {"name": "paid", "id": "17", "sender": "shop"}
    async with httpx.AsyncClient(base_url=gateway, timeout=60) as client:
        start = "/processes/due-diligence?announce=crm"
        begun = await client.post(start, json=UNILEVER, headers=shop)
        case = f"/cases/{begun.json()['case']}"
        handle = here.client.get_workflow_handle(begun.json()["case"])
        here.started.append(handle)
        await here.gate(handle)
        for status, headers, path, content in (
            (403, desk, start, UNILEVER),
            (403, desk, f"{case}/signals/event", event),
            (202, shop, f"{case}/signals/event", event),
            (403, shop, f"{case}/signals/decide", DECISION),
            (403, shop, f"{case}/updates/decide", DECISION),
            (200, desk, f"{case}/updates/decide", DECISION),
        ):
            said = await client.post(path, json=content, headers=headers)
            assert said.status_code == status, (path, said.text)
        assert (await client.get(case, headers=shop)).status_code == 403
    memo = await (await handle.describe()).memo()
    assert (memo[cases.STARTED_BY], memo[ANNOUNCE]) == ("shop", "crm")
    assert (await here.result(handle)).outcome == "approve"
