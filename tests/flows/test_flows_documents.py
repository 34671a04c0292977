"""Large payloads go by reference: histories stay small, replay, resolve, survive a kill."""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.client import WorkflowHistory

from runtime import codec_server
from runtime.connection import connect_to
from runtime.conversion import DATA_CONVERTER
from runtime.documents import OPEN, kept_at
from runtime.serving import serving
from runtime.settings import Settings
from store.blobs import named_in
from tests.flows import documents_world
from tests.flows.documents import TEXT, Documents, Long, SharedContext, Text, Told, Wish
from tests.flows.test_flows_steps import until_written
from tests.support.flows import flowing, killable
from workflows.data.documents import LARGE
from workflows.grades import GRADE, Grade

pytestmark = pytest.mark.server

TIMES = 200_000 // len(TEXT.encode())
SHOUTED = TEXT.upper() * TIMES
UI = "http://127.0.0.1:8233"


def as_stored(text: str) -> bytes:
    """The bytes of a test `Text` as the driver stores them."""
    [payload] = DATA_CONVERTER.payload_converter.to_payloads([Text(text=text)])
    return payload.SerializeToString(deterministic=True)


def results(history: WorkflowHistory) -> list[Payload]:
    """The payloads that activities answered with."""
    done = (e.activity_task_completed_event_attributes for e in history.events)
    return [p for attributes in done for p in attributes.result.payloads]


async def decoded(endpoint: str, payloads: list[Payload], path: str = "/decode") -> httpx.Response:
    """Ask the codec endpoint as the UI does."""
    body = json_format.MessageToJson(Payloads(payloads=payloads))
    headers = {"Origin": UI, "X-Namespace": "default", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=endpoint) as http:
        return await http.post(path, content=body, headers=headers)


async def test_a_document_passes_by_reference_and_the_ui_sees_it(
    address: str, tmp_path: Path
) -> None:
    answers = documents_world.answers(tmp_path / "done.log")
    async with flowing(address, documents_world.WORKFLOWS, answers, data=tmp_path) as here:
        handle = await here.start(Documents, Wish(times=TIMES), result_type=Long)
        long = await handle.result()
        history = await handle.fetch_history()
        await here.replayed(handle)
        assert await handle.query(Documents.whole) == SHOUTED, "a query's answer is the text"
    assert long.characters == len(SHOUTED)
    assert long.document.sha256 == sha256(SHOUTED.encode()).hexdigest()
    assert sum(e.ByteSize() for e in history.events) < LARGE
    wrote, shouted, kept = results(history)
    app = codec_server.create_app(kept_at(Settings(data=tmp_path).database), (UI,), OPEN)
    async with serving(app, 0) as endpoint:
        answer = await decoded(endpoint, [wrote, kept, shouted])
        assert answer.headers["access-control-allow-origin"] == UI
        shown = json_format.Parse(answer.content, Payloads()).payloads
        lost = Payload.FromString(wrote.SerializeToString())
        lost.data = lost.data.replace(b'"sha256":"', b'"sha256":"0')
        assert (await decoded(endpoint, [lost])).status_code == 404
        assert (await decoded(endpoint, [wrote], "/download")).status_code == 200
    assert json.loads(shown[0].data) == {"text": TEXT * TIMES}
    assert shown[1] == kept, "what was inline stays as it was"
    assert json.loads(shown[2].data) == {"text": SHOUTED}


async def test_a_killed_worker_reads_the_document_back(address: str, tmp_path: Path) -> None:
    (tmp_path / "hold").touch()
    async with killable(address, "tests.flows.documents_world", tmp_path) as mine:
        mine.log.touch()
        handle = await mine.flows.start(Documents, Wish(times=TIMES), result_type=Long)
        await until_written(handle, mine.log, "shout")
        wrote = sha256(as_stored(TEXT * TIMES)).hexdigest()
        async with kept_at(Settings(data=tmp_path).database)() as blobs:
            assert await blobs.get(wrote)
        history = await handle.fetch_history()
        named = [named_in(event.SerializeToString()) for event in history.events]
        assert wrote in frozenset().union(*named), "so an open case keeps it from being collected"
        await mine.kill()
        await mine.start()
        long = await handle.result()
        await mine.flows.replayed(handle)
    assert long.characters == len(SHOUTED)
    assert mine.lines() == ["write", "shout", "shout", "keep"]


async def test_without_the_store_a_reference_is_refused_not_taken_for_a_value(
    address: str, tmp_path: Path
) -> None:
    answers = documents_world.answers(tmp_path / "done.log")
    async with flowing(address, documents_world.WORKFLOWS, answers, data=tmp_path) as here:
        handle = await here.start(Documents, Wish(times=TIMES), result_type=Long)
        await handle.result()
        plain = await connect_to(address)
        [wrote, *_] = results(await handle.fetch_history())
    with pytest.raises(RuntimeError, match="TMPRL1105"):
        await plain.data_converter.decode([wrote])


@pytest.mark.parametrize("grade", list(Grade))
async def test_branches_share_one_document_and_fit_it_to_their_windows(
    address: str, tmp_path: Path, grade: Grade
) -> None:
    """Written and kept once, whatever the grade; what a branch left out is counted."""
    answers = documents_world.answers(tmp_path / "done.log")
    async with flowing(
        address,
        documents_world.WORKFLOWS,
        answers,
        steps=documents_world.STEPS,
        data=tmp_path,
    ) as here:
        handle = await here.start(
            SharedContext, Wish(times=TIMES), memo={GRADE: grade}, result_type=Told
        )
        told = await handle.result()
        await here.replayed(handle)
        history = await handle.fetch_history()
    assert sum(e.ByteSize() for e in history.events) < LARGE
    assert {d.sha256 for d in told.documents} == {sha256((TEXT * TIMES).encode()).hexdigest()}
    counted = [len(chosen) for chosen in told.chosen]
    assert counted[0] < counted[1] < counted[2]
    assert {c + left for c, left in zip(counted, told.left_out, strict=True)} == {counted[2]}
    done = Counter((tmp_path / "done.log").read_text().split())
    assert (done["write"], done["keep"]) == (1, 1)
