"""`costs` as people meet it, over a small store: sums, savings, windows, uncertain calls."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from cli.costs import report
from cli.errors import BadInput
from runtime.settings import Settings
from store.costs import Costs
from store.database import Store
from store.journal import CallEntry, Claim, ClaimState, Journal, StoredReply
from workflows.data.llm import Usage

CATALOGUE = """
[vendors]
openai = { dialect = "openai-responses", base_url = "https://api.example.com/v1" }
[models.big]
vendor = "openai"
name = "Big"
window = 1000
prices = [{ since = 2026-01-01, input = 2, cached = 0.5, cache_write = 3, output = 10 }]
[models.free]
vendor = "openai"
name = "No price"
[roles]
analyst = ["big", "free"]
"""
EVE = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)


class Desk:
    """Writes calls into a journal as the activities do."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.journal, self.costs = settings, Journal(store), Costs(store)
        self._store, self._keys = store, count()
        store.clock = lambda: self.now
        self.now = EVE

    async def claim(self, scope: str, branch: str, model: str = "big") -> Claim:
        entry = CallEntry(f"k{next(self._keys)}", scope, branch, "ask_model", "w", "openai", model)
        claim = await self.journal.claim(entry)
        assert isinstance(claim, Claim)
        return claim

    async def failed(self, scope: str, branch: str, state: ClaimState, why: str) -> None:
        claim = await self.claim(scope, branch)
        async with self._store.writing() as connection:
            await self.journal.close(connection, claim, state, why)

    async def paid(
        self,
        scope: str,
        branch: str,
        usage: Usage,
        usd: str,
        *,
        live: bool = False,
        model: str = "big",
    ) -> None:
        reply = StoredReply(200, {}, b"{}", self.now, not live, usage, Decimal(usd))
        await self.journal.settle(await self.claim(scope, branch, model), reply)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    file = tmp_path / "llm.toml"
    file.write_text(CATALOGUE, encoding="utf-8")
    settings = Settings(data=tmp_path, catalogue=file)
    store = await Store.open(settings.database)
    yield Desk(settings, store)
    await store.close()


@pytest.fixture
async def busy(desk: Desk) -> Desk:
    """Two cases of one id, another one live, calls without an answer, and a free source."""
    await desk.paid("dd-acme-1", "credit", Usage(input_tokens=100, output_tokens=10), "0.0003")
    usage = Usage(input_tokens=400, cached_tokens=100, cache_write_tokens=200, output_tokens=20)
    await desk.paid("dd-acme-2", "credit", usage, "0.00105")
    desk.now += timedelta(seconds=1)
    await desk.paid("dd-acme-2", "media", Usage(input_tokens=600), "0.0012")
    await desk.paid("dd-acme-2", "media", Usage(input_tokens=5), "0", model="free")
    await desk.paid("dd-other-1", "", Usage(input_tokens=10), "0.00002", live=True)
    await desk.claim("dd-acme-2", "media")
    await desk.failed("dd-acme-2", "credit", ClaimState.LOST, "cut off")
    await desk.failed("dd-acme-2", "credit", ClaimState.REFUSED, "busy")
    await desk.journal.claim(CallEntry("free", "dd-acme-2", "media", "search", "w"))
    return desk


async def told(
    desk: Desk, capsys: pytest.CaptureFixture[str], case: str = "", since: str = "", by: str = ""
) -> dict[str, Any]:
    await report(desk.settings, case, since, by, as_json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def named(found: dict[str, Any]) -> dict[str, tuple[int, Decimal]]:
    return {line["name"]: (line["calls"], Decimal(line["usd"])) for line in found["lines"]}


async def test_the_newest_case_by_branch(busy: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    found = await told(busy, capsys, "acme")
    assert named(found) == {"credit": (1, Decimal("0.00105")), "media": (2, Decimal("0.0012"))}
    credit = found["lines"][0]
    # 100 read at 0.5 for 2 save 150, 200 written at 3 for 2 cost 200: millionths of a dollar.
    assert Decimal(credit["saved"]) == Decimal("-0.00005")
    assert (credit["window_mean"], credit["window_max"]) == (0.4, 0.4)
    media = found["lines"][1]
    assert (media["unpriced"], media["window_max"]) == (1, 0.6)
    assert found["totals"][0]["usage"]["input_tokens"] == 1005
    assert [(c["branch"], c["state"]) for c in found["uncertain"]] == [
        ("media", "open"),
        ("credit", "lost"),
    ]
    assert (await told(busy, capsys, "dd-acme-1"))["totals"][0]["calls"] == 1


async def test_all_cases_days_models_and_calls(
    busy: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(named(await told(busy, capsys))) == {"dd-acme-1", "dd-acme-2", "dd-other-1"}
    days = await told(busy, capsys, by="day")
    assert [(d["name"], d["simulated"], d["calls"]) for d in days["lines"]] == [
        ("2026-11-20", True, 2),
        ("2026-11-21", True, 2),
        ("2026-11-21", False, 1),
    ]
    since = await told(busy, capsys, since="2026-11-21")
    assert sum(line["calls"] for line in since["lines"]) == 3
    assert {t["simulated"]: t["calls"] for t in days["totals"]} == {True: 4, False: 1}
    assert len((await told(busy, capsys, by="call"))["lines"]) == 5
    models = await told(busy, capsys, by="model")
    assert [m["name"] for m in models["lines"]] == ["big", "free", "big"]


async def test_a_person_reads_what_was_paid_and_what_was_simulated(
    busy: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    await report(busy.settings, "", "", "", as_json=False)
    text = capsys.readouterr().out
    for word in (
        "simulated: nothing was paid",
        "paid",
        "0.002550",
        "60.00%",
        "dd-acme-2",
        "uncertain: 2 sent",
        "1 calls to models without a known price",
    ):
        assert word in text, text
    assert "refused" not in text
    assert "reasoning" not in text, "a column of nothing is left out"


async def test_a_name_with_wildcards_is_only_a_name(busy: Desk) -> None:
    assert await busy.costs.newest("%", ["dd-%-"]) is None
    assert await busy.costs.newest("acme", ["dd-acme-"]) == "dd-acme-2"
    assert await busy.costs.newest("dd-acme-1", ["dd-acme-"]) == "dd-acme-1"


async def test_nothing_to_report_is_said(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    await report(desk.settings, "", "", "", as_json=False)
    assert "no model has answered" in capsys.readouterr().out
    with pytest.raises(BadInput, match="no call of 'acme'"):
        await report(desk.settings, "acme", "", "", as_json=False)
    empty = Settings(data=desk.settings.data / "elsewhere")
    with pytest.raises(BadInput, match="run a case first"):
        await report(empty, "", "", "", as_json=False)
