"""`estimates` as people meet it: a real case is learned once, and told at any width."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.errors import BadInput
from cli.estimates import from_store, show
from cli.learning import learn_new, steps
from cli.session import Session
from runtime.settings import Settings
from store.database import Store
from store.estimates import Estimates
from tests.support.world import World, case_file

pytestmark = pytest.mark.server


async def test_a_case_is_learned_once_and_told(
    here: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.settled(case_file("unilever"), ("approve", "ana"))
    session = Session(here.client, here.settings, addresses=None, stack=None)
    mine = f"ExecutionStatus != 'Running' AND TaskQueue = '{here.queue}'"
    later = datetime.now(UTC) + timedelta(minutes=1)
    listed = here.client.list_workflows(mine)
    while not [found async for found in listed]:  # what closed is listed a moment later
        listed = here.client.list_workflows(mine)
    new = await learn_new(session, here.store, later, query=mine)
    assert new is not None
    assert (new.number, new.runs) == (1, 1)
    assert new.calls == sum((await here.book())["billed"].values())
    rows = await Estimates(here.store).rows(1)
    known = {(step.key.process, step.key.step, step.key.model): step for step in steps(rows)}
    assert all(step.key.simulated for step in known.values())
    models = [step for (process, _, _), step in known.items() if not process]
    assert sum(step.calls for step in models) == new.calls
    assert ("due-diligence", "resolve_roles", "") in known
    assert await learn_new(session, here.store, later, query=mine) is None, "nothing twice"

    capsys.readouterr()
    for width in ("80", "120"):
        monkeypatch.setenv("COLUMNS", width)
        await show(here.store, "", None, as_json=False)
        text = capsys.readouterr().out
        assert max(map(len, text.splitlines())) <= int(width)
        for word in ("due-diligence, simulated", "models on the wire", "snapshot 1", "1 runs"):
            assert word in text, text
    await show(here.store, "due-diligence", 1, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert {line["key"]["process"] for line in told["estimates"]} == {"due-diligence"}
    for line in told["estimates"]:
        assert 0 < line["p50"] <= line["p95"]["value"] <= line["p99"]
        assert (line["since"], line["calls"] > 0) == (1, True)
    with pytest.raises(BadInput, match=r"nothing is known of 'poem'; say one of .*due-diligence"):
        await show(here.store, "poem", None, as_json=False)
    with pytest.raises(BadInput, match="no snapshot 2; the newest is 1"):
        await show(here.store, "", 2, as_json=False)


async def test_nothing_learned_is_said(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="holds no store; run a case first"):
        await from_store(settings, "", None, as_json=False)
    async with Store.opened(settings.database):
        with pytest.raises(BadInput, match="estimates --learn"):
            await from_store(settings, "", None, as_json=False)
