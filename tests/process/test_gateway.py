"""The gateway: the curl lines of its page as they stand there, and what it refuses."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cli.arriving.beginning import Beginning
from cli.arriving.gateway import LARGEST, Gateway, create_app, only
from runtime.serving import serving
from runtime.settings import ROOT
from tests.support.tools import needs
from tests.support.world import World, case_file

pytestmark = [pytest.mark.server, needs("curl")]
TOKEN = "t0ken"
ACCEPTED = {"shop.order.paid": "order-fulfilment"}


@pytest_asyncio.fixture
async def gateway(here: World) -> AsyncIterator[str]:
    begin = Beginning(here.client, here.store, queue=here.queue)
    made = Gateway(here.client, begin, ACCEPTED)
    async with serving(create_app(made, only(TOKEN)), 0) as url:
        yield url


def lines_of_the_page() -> list[str]:
    text = (ROOT / "docs" / "operations" / "services.md").read_text("utf-8")
    return text.split("<!-- gateway:")[1].split("```sh\n")[1].split("```")[0].splitlines()


async def send(line: str, url: str, case: str = "") -> Any:
    """Send one line of the page through a shell and give the JSON that came back."""
    script = f"GATEWAY_TOKEN={TOKEN}; G={url}; CASE={case}\n{lines_of_the_page()[0]}\n{line}"
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
    order = await send(result.replace("20", "60"), gateway, begun["case"])
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
    here: World, gateway: str
) -> None:
    handle = await here.start(case_file("unilever"))
    await here.gate(handle)
    case = f"/cases/{handle.id}"
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
        (404, "nobody", "/cases/nobody", None),
        (404, "has no", f"{case}/queries/secrets", None),
        (422, "seconds", f"{case}/result?wait=soon", None),
        (202, "running", f"{case}/result", None),
    ]
    async with httpx.AsyncClient(base_url=gateway) as client:
        for headers in ({}, {"authorization": "Bearer other"}, {"authorization": TOKEN}):
            refused = await client.get(case, headers=headers)
            assert (refused.status_code, list(refused.json())) == (401, ["error"])
        client.headers["authorization"] = f"Bearer {TOKEN}"
        for status, words, path, content in tries:
            method = "GET" if content is None else "POST"
            said = await client.request(method, path, content=content)
            assert (said.status_code, words in said.text) == (status, True), (path, said.text)
            assert "\\n" not in said.text
            assert "Traceback" not in said.text
    await here.decide(handle, "approve", "ana")
    assert (await here.result(handle)).outcome == "approve"
