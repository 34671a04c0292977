"""With encryption on a case runs, is looked at and replays; and nobody else reads a word of it."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from signal import SIGINT
from typing import Any

import httpx
import pytest
from google.protobuf import json_format
from temporalio.api.common.v1 import Payloads
from temporalio.api.history.v1 import History
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import RawValue

from runtime import key_file
from runtime.addresses import Addresses
from runtime.connection import connect_to
from runtime.documents import converter, kept_at
from runtime.encryption import Encryption, codec_for
from runtime.keys import KeyRing
from runtime.processes import free_port
from runtime.serving import serving
from runtime.settings import ROOT
from runtime.tokens import GATEWAY, token
from tests.process.test_gateway import lines_of_the_page, send
from tests.stack.support import Done, begin, braid, finished, stack_process, world_on
from tests.stack.test_stack_telemetry import Collector
from tests.support.tools import needs
from tests.support.world import Handle, World

pytestmark = [pytest.mark.server, needs("curl")]

PLANTED = {
    "UNILEVER PLC": "a name of a company",
    "CH62 4ZD": "an address",
    "zora.quint@unilever.example": "a mail address",
    "Zanzibar Paper Mill": "a name in the file",
    "prompt@zanzibar-paper.example": "a referee's mail address",
    "Request for a credit reference": "a mail",
    "Nothing on file speaks against the customer": "what a model said",
    "Quokka clause holds": "why somebody decided so",
    "Xenia Outsider": "who tried to decide",
    "Field required": "the text of an error",
    "Seestrasse 14": "what a service sent to the gateway",
}
"""What must not be found, and what it stands for."""
CASE = (
    (ROOT / "cases/unilever.yaml")
    .read_text(encoding="utf-8")
    .replace("customer@unilever", "zora.quint@unilever")
    .replace("Northern Paper Mills", "Zanzibar Paper Mill")
    .replace("northern-paper", "zanzibar-paper")
)


@asynccontextmanager
async def encrypted(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Addresses, World, Collector, str]]:
    """Run a stack that encrypts, with a collector of traces, and its worker's metrics."""
    collector, metrics = Collector(), f"127.0.0.1:{free_port()}"
    key_file.new(data / "keys.json", date(2026, 11, 27))
    async with AsyncExitStack() as exits:
        there = await exits.enter_async_context(serving(collector.app(), 0))
        with monkeypatch.context() as only:
            only.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", there)
            only.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
            only.setenv("BRAID_METRICS", metrics)
            only.setenv("BRAID_LOG", "json")
            only.setenv("BRAID_ENCRYPTION", "on")
            running = stack_process(data, "--speed", "100")
            _, where = await exits.enter_async_context(running)
        here = await exits.enter_async_context(world_on(where, data))
        codec = codec_for(where.fit(here.settings), embedded=True)
        large = converter(kept_at(here.settings.database), codec)
        here.client = await connect_to(where.grpc, converter=large)
        yield where, here, collector, f"http://{metrics}/metrics"


async def events_of(handle: Handle) -> bytes:
    """Give the history of a case as its own client reads it."""
    return History(events=(await handle.fetch_history()).events).SerializeToString()


async def from_outside(data: Path, where: Addresses, metrics: str, case: str) -> dict[str, bytes]:
    """Read what anybody can who reaches the server: its HTTP API, its UI's, metrics."""
    ports = json.loads((data / "ports.json").read_text(encoding="utf-8"))
    path = f"api/v1/namespaces/default/workflows/{case}"
    places = {
        "history": f"{where.http}/{path}/history",
        "description": f"{where.http}/{path}",
        "UI": f"{where.ui}/{path}/history",
        "UI's list": f"{where.ui}/api/v1/namespaces/default/workflows",
        "metrics": metrics,
        "server's metrics": f"http://127.0.0.1:{ports['metrics']}/metrics",
    }
    async with httpx.AsyncClient(timeout=60) as http:
        answers = {name: await http.get(place) for name, place in places.items()}
    assert {name: a.status_code for name, a in answers.items()} == dict.fromkeys(places, 200)
    return {name: answer.content for name, answer in answers.items()}


async def only_the_entitled_decode(where: Addresses, data: Path, payloads: Payloads) -> None:
    """Ask the stack's codec endpoint as a page of the UI does, without a token and with one."""
    body, page = json_format.MessageToJson(payloads), {"Origin": where.ui}
    good = token(KeyRing(data / "keys.json"), "ana", timedelta(minutes=1), datetime.now(UTC))
    async with httpx.AsyncClient(base_url=where.codec, headers=page, timeout=60) as http:
        assert (await http.post("/decode", content=body)).status_code == 401
        signed = {"Authorization": f"Bearer {good}"}
        answer = await http.post("/decode", content=body, headers=signed)
    assert b"UNILEVER PLC" in json_format.Parse(answer.content, Payloads()).payloads[0].data


def unreadable(data: Path, here: World, message: dict[str, str]) -> RawValue:
    """Seal a message with a key of a ring of its own."""
    key_file.new(data / "strange.json", date(2026, 11, 27))
    [payload] = here.client.data_converter.payload_converter.to_payloads([message])
    return RawValue(Encryption(KeyRing(data / "strange.json"), writes=True).sealed(payload))


async def by_curl(data: Path, here: World, handle: Handle) -> tuple[Handle, bytes]:
    """Send the page's curl lines to the gateway; give the order it started, and what it logged."""
    (data / "events.yaml").write_text("accept: {shop.order.paid: order-fulfilment}\n", "utf-8")
    rights, now = ("start", "read", "send", "decide"), datetime.now(UTC)
    ring = KeyRing(data / "keys.json")
    good = token(ring, "shop", timedelta(minutes=5), now, audience=GATEWAY, rights=rights)
    process = await begin(data, "gateway", "--accept", data / "events.yaml", "--json")
    assert process.stdout is not None
    url = json.loads(await process.stdout.readuntil(b"}"))["gateway"]

    async def sent(line: str, case: str) -> Any:
        return await send(line, url, case, good)

    _, event, status, gates, signal, decide, result = lines_of_the_page()
    result = result.replace("20", "60")
    order = here.client.get_workflow_handle((await sent(event, ""))["case"])
    assert (await sent(result, order.id))["result"]["case"] == "o-17"
    assert (await sent(status, handle.id))["status"]["phase"] == "review"
    assert (await sent(gates, handle.id))[0]["proposal"] == "approve"
    assert (await sent(signal, handle.id))["sent"] == "event"
    decide = decide.replace('"ana"', '"ana","comment":"Quokka clause holds"')
    assert (await sent(decide, handle.id))["settled"] is True
    assert (await sent(result, handle.id))["result"]["outcome"] == "approve"
    process.send_signal(SIGINT)
    return order, (await finished(process)).err.encode()


def files(data: Path) -> dict[str, bytes]:
    """Read the server's database and all logs."""
    found = [*data.glob("temporal.db*"), *(data / "logs").iterdir()]
    return {str(path.relative_to(data)): path.read_bytes() for path in found}


async def test_nothing_of_a_case_can_be_read_without_its_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted secrets; the key is rotated while the case waits for its decision."""
    (tmp_path / "case.yaml").write_text(CASE, encoding="utf-8")
    ring = tmp_path / "keys.json"

    async def command(*arguments: str | Path) -> Done:
        done = await braid(tmp_path, *arguments)
        assert done.code == 0, done.err
        return done

    async with encrypted(tmp_path, monkeypatch) as (where, here, collector, metrics):
        ran = await command("run", "due-diligence", tmp_path / "case.yaml", "--detach", "--json")
        handle = here.client.get_workflow_handle(ran.json()["case"])
        assert (await here.gate(handle)).proposal == "approve"
        old = KeyRing(ring).current.id
        new = key_file.add(ring, date(2026, 11, 27), use=True).id
        await handle.signal("decide", {"verdict": "approve", "by": "Xenia Outsider"})
        strange = unreadable(tmp_path, here, {"verdict": "decline", "by": "ana"})
        await handle.signal("decide", strange)
        with pytest.raises(WorkflowUpdateFailedError) as unread:
            await handle.execute_update("decide", strange)
        assert "its key, or what it refers to, is not here" in str(unread.value.cause)
        refusals = await here.until(handle, "refusals", lambda found: len(found) == 2)
        assert "its key, or what it refers to, is not here" in refusals[1]["reason"]
        order, gateway_log = await by_curl(tmp_path, here, handle)
        start = here.client.start_workflow
        broken = await start(
            "due-diligence", {"case": "broken"}, id="dd-broken", task_queue="braid"
        )
        with pytest.raises(WorkflowFailureError) as failed:
            await broken.result()

        assert (await command("explain", handle.id, "--json")).json()["status"] == "completed"
        again = await command("schedule", "rescreen", handle.id, "--json")
        assert f"review of {handle.id}: tier low" in again.json()["note"]
        would = (await command("erase", handle.id, "--json")).json()
        assert (would["at"], would["runs"], would["held"]["replies"] > 0) == ("", 1, True)
        clear = b"".join([await events_of(each) for each in (handle, broken, order)])
        plain = await connect_to(where.grpc)
        raw = (await plain.get_workflow_handle(handle.id).fetch_history()).events
        sealed = History(events=raw).SerializeToString()
        seen = await from_outside(tmp_path, where, metrics, handle.id)
        payloads = raw[0].workflow_execution_started_event_attributes.input
        await only_the_entitled_decode(where, tmp_path, payloads)
    seen |= {"raw history": sealed, "traces": collector.bytes, "gateway's log": gateway_log}
    seen |= files(tmp_path)

    # Each was really there, and what may be read is found where it is looked for.
    assert "Field required" in str(failed.value.cause)
    assert [s for s in PLANTED if s.encode() not in clear] == []
    for place in ("temporal.db", "raw history", "history", "UI", "traces", "logs/worker.log"):
        assert any(handle.id.encode() in found for name, found in seen.items() if place in name)
    assert all(name.encode() in sealed for name in (old, new)), "it was rotated in mid-flight"
    leaks = [(s, name) for s in PLANTED for name, found in seen.items() if s.encode() in found]
    assert leaks == []

    # Kept, the old key opens what it sealed; dropped, it is named. What was refused stays so.
    history = tmp_path / "history.json"
    history.write_text(json_format.MessageToJson(History(events=raw)), encoding="utf-8")
    assert (await command("replay", history, "--json")).json()["replays"] is True
    told, others = (json.loads(file.read_text()) for file in (ring, tmp_path / "strange.json"))
    ring.write_text(json.dumps({**told, "keys": others["keys"] | told["keys"]}), encoding="utf-8")
    assert (await command("replay", history, "--json")).json()["replays"] is True
    key_file.drop(ring, old)
    done = await braid(tmp_path, "replay", history)
    assert (done.code, done.out) == (2, ""), done
    assert f"encrypted with key '{old}' cannot be read" in done.err
