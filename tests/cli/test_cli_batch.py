"""Batches from the command line, without a server: inputs, wishes, the estimate, the results."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli.batch import results as files
from cli.batch import starting
from cli.batch.estimate import Estimate, by_batch, by_first
from cli.batch.following import Look
from cli.batch.inputs import Inputs, Wrong, inputs
from cli.errors import BadInput
from cli.processes import ProcessEntry, Records, process
from tests.flows.volume import Appraised, Lot, appraise_lot
from workflows.data.case_batch import BatchInputs, CaseBatchResult
from workflows.data.common import CostView
from workflows.data.spread import (
    MOST_BYTES,
    ItemResult,
    ItemState,
    SpreadProgress,
    SpreadRef,
    SpreadResult,
    Tolerance,
)
from workflows.grades import Grade

APPRAISED = Records(Lot, Appraised, core=appraise_lot)
LOTS = ProcessEntry("appraisal", "ap", "appraise", lambda: APPRAISED)
GOOD = '{"case": "lot-1", "words": "a b"}'


def written(folder: Path, *lines: str | bytes) -> Path:
    path = folder / "lots.jsonl"
    path.write_bytes(b"\n".join(x.encode() if isinstance(x, str) else x for x in lines))
    return path


def test_bad_lines_are_named_and_the_rest_is_taken(tmp_path: Path) -> None:
    big = json.dumps({"case": "big", "words": "x" * MOST_BYTES})
    path = written(
        tmp_path,
        "\ufeff" + GOOD,
        "{not json",
        "",
        '{"case": "lot-2"}',
        '{"case": "lot-3", "words": "x", "colour": "red"}',
        '{"case": "lot-1", "words": "again"}',
        '{"case": "lot-4", "case": "lot-5", "words": "x"}',
        b'{"case": "lot-6", "words": "\xff"}',
        '["a list"]',
        "[" * 100_000,
        big,
        '{"case": "lot-7", "words": "c"}',
    )
    found = inputs(path, Lot)
    assert found.places == {"lot-1": 1, "lot-7": 12}
    said = {wrong.place: wrong.why for wrong in found.wrong}
    assert list(said) == [2, 4, 5, 6, 7, 8, 9, 10, 11]
    for line, why in {
        2: "not JSON",
        4: "words: Field required: add it",
        5: "colour: Extra inputs are not permitted: remove it",
        6: "case: 'lot-1' stands there twice, first in line 1; rename one",
        7: "'case' stands there twice; remove one",
        8: "not text in UTF-8",
        9: "case: Input should be",
        10: "not JSON",
        11: "name documents instead",
    }.items():
        assert why in said[line]
    assert [item.key for item in found.items()] == ["lot-1", "lot-7"]
    assert (found.told().taken, found.told().refused) == (2, 9)


def test_a_line_without_end_is_not_held(tmp_path: Path) -> None:
    found = inputs(written(tmp_path, "x" * 3_000_000, GOOD), Lot)
    assert [(w.place, w.why.split(";")[0]) for w in found.wrong] == [
        (1, "longer than 1000000 bytes")
    ]
    assert found.places == {"lot-1": 2}


def test_a_folder_gives_its_case_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("case: lot-a\nwords: one\n")
    (tmp_path / "b.json").write_text(GOOD)
    (tmp_path / "c.yml").write_text("case: lot-c\ncolour: red\n")
    (tmp_path / "notes.txt").write_text("no input")
    found = inputs(tmp_path, Lot)
    assert found.places == {"lot-a": "a.yaml", "lot-1": "b.json"}
    why = "line 1: words: Field required: add it; line 2: colour: Extra"
    assert [(w.place, w.why[: len(why)]) for w in found.wrong] == [("c.yml", why)]
    assert not found.changed()
    (tmp_path / "d.yaml").write_text("case: lot-d\nwords: one\n")
    assert found.changed()


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    found = inputs(path, Lot)
    assert not found.changed()
    path.write_text(GOOD + "\n" + GOOD.replace("lot-1", "lot-2"))
    assert found.changed()
    with pytest.raises(BadInput, match="changed while it was read; nothing was started"):
        list(found.items())
    path.unlink()
    assert found.changed()


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda p: None, "give a file of lines"),
        (lambda p: p.write_text("\n"), "holds no input; write one record of JSON on each line"),
        (Path.mkdir, "holds no input; put case files in it"),
    ],
)
def test_no_input_is_refused(tmp_path: Path, made: Any, why: str) -> None:
    path = tmp_path / "none.jsonl"
    made(path)
    with pytest.raises(BadInput, match=why):
        inputs(path, Lot)


def test_strict_refuses_all_for_one_bad_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = inputs(written(tmp_path, GOOD, *["{"] * 12), Lot)
    starting.check(found, strict=False)
    said = capsys.readouterr().err
    assert "lots.jsonl: line 2: not JSON" in said
    assert "... and 2 more" in said
    with pytest.raises(BadInput, match="12 inputs cannot be used and the batch is strict"):
        starting.check(found, strict=True)
    with pytest.raises(BadInput, match="1 inputs cannot be used and none is left"):
        starting.check(inputs(written(tmp_path, "{"), Lot), strict=False)


def wished(grade: str = "", window: int = 50, tolerate: str = "5%", budget: str = "") -> Any:
    return starting.wish(grade, window, tolerate, budget, strict=False, sure=True)


def test_what_is_wished_for_is_read() -> None:
    assert wished().tolerance == Tolerance(share=0.05)
    assert wished(tolerate="20").tolerance == Tolerance(count=20)
    assert wished(budget="0.50", grade="fused").usd == Decimal("0.50")


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"grade": "quick"}, "say visible or fused"),
        ({"window": 0}, "say 1 to 2000 cases"),
        ({"tolerate": "101%"}, r"as 20 or 2\.5%"),
        ({"tolerate": "-1"}, r"as 20 or 2\.5%"),
        ({"budget": "0"}, "write an amount"),
        ({"budget": "1e9"}, "write an amount"),
    ],
)
def test_what_cannot_be_wished_for_is_refused(wish: dict[str, Any], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        wished(**wish)


def test_a_process_with_gates_cannot_run_fused() -> None:
    with pytest.raises(BadInput, match=r"due-diligence cannot run fused: .* use --grade visible"):
        starting.work_of(process("due-diligence"), Grade.FUSED)


def test_an_estimate_above_the_budget_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    dear = Estimate("the last 3 case(s)", Decimal("1.20"), Decimal("2"), timedelta(minutes=5))
    starting.agreed(None, 1, wished(budget="1"))
    starting.agreed(dear, 1, wished(budget="1.20"))
    assert "by the last 3 case(s) it will cost $1.20, at most $2.00" in capsys.readouterr().err
    with pytest.raises(BadInput, match=r"does not pay for 1 cases, by the estimate \$1\.20"):
        starting.agreed(dear, 1, wished(budget="1.19"))


async def test_a_redrive_is_estimated_by_what_it_has_to_do(tmp_path: Path) -> None:
    """Not by what succeeded before: a budget for the rest alone would be refused."""
    texts = [f'{{"case": "lot-{n}", "words": "a"}}' for n in range(4)]
    given = inputs(written(tmp_path, *texts), Lot)
    work = starting.work_of(LOTS, Grade.FUSED)
    good, changed, failed, _new = (work.digest(item.request) for item in given.items())
    before = some(
        ItemResult(key="lot-0", digest=good, state=ItemState.SUCCEEDED),
        ItemResult(key="lot-1", digest=changed[::-1], state=ItemState.SUCCEEDED),
        ItemResult(key="lot-2", digest=failed, state=ItemState.FAILED),
        ItemResult(key="gone", digest=good, state=ItemState.SUCCEEDED),
    )
    assert await starting.left(before, given, work) == 3


def test_without_closed_cases_an_earlier_batch_or_the_first_cases_say_what_it_costs() -> None:
    """Failed cases and those done before make no estimate too cheap."""
    at = datetime(2026, 11, 20, tzinfo=UTC)
    spread = SpreadResult(
        ref=SpreadRef(scope="batch-1", spread="cases"), reason="complete", total=100, succeeded=60,
        already=20, failed=40, not_run=0, started=at, ended=at + timedelta(minutes=4),
    )  # fmt: skip
    given = BatchInputs(name="lots", sha256="0" * 64, taken=100)
    ended = CaseBatchResult(
        process="appraisal", inputs=given, spread=spread, cost=CostView(calls=50, usd=Decimal("2"))
    )
    found = by_batch("batch-1", ended, 1000)
    assert found == Estimate("40 case(s) of batch-1", Decimal(50), None, timedelta(minutes=100))
    assert "by 40 case(s) of batch-1 it will cost $50.00 and take some" in found.told()
    none = ended.model_copy(update={"spread": spread.model_copy(update={"already": 60})})
    assert by_batch("batch-1", none, 1000) is None

    now = SpreadProgress(
        total=100, done=50, failed=5, already=20, in_flight=0, chunks_running=1, rate=1, started=at,
        estimated_end=None,
    )  # fmt: skip
    paused = now.model_copy(update={"paused": True})
    assert Look(paused, None).told().startswith("PAUSED")
    done = paused.model_copy(update={"done": 100})
    assert Look(done, None).told().startswith("5 failed"), "nothing is left to pause"
    assert by_first(now, Decimal("0.5")) == "by its first 25 case(s) it will cost some $1.60 in all"


async def some(*found: ItemResult) -> AsyncIterator[ItemResult]:
    for result in found:
        yield result


async def test_the_results_file_is_complete_and_in_the_order_of_the_inputs(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    wrong = [Wrong(2, "", "not JSON")]
    given = Inputs(tmp_path, Lot, {"lot-9": 1, "lot-1": 3, "lot-5": 4}, wrong)
    good = Appraised(case="lot-1", worth=3).model_dump()
    found = (
        ItemResult(key="gone", state=ItemState.SUCCEEDED, value={}),
        ItemResult(key="lot-1", state=ItemState.SUCCEEDED, value=good),
        ItemResult(key="lot-9", state=ItemState.FAILED, error="no luck"),
    )
    files.begin(path, given)
    files.add(path, [found[1]], given)
    assert [json.loads(x)["state"] for x in path.read_text().splitlines()] == [
        "refused",
        "succeeded",
    ]
    counts = await files.write(path, some(*found), given)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"key": "lot-9", "line": 1, "state": "failed", "error": "no luck"},
        {"line": 2, "state": "refused", "error": "not JSON"},
        {"key": "lot-1", "line": 3, "state": "succeeded", "result": good},
        {"key": "lot-5", "line": 4, "state": "not_run"},
    ]
    assert counts == {"refused": 1, "succeeded": 1, "failed": 1, "not_run": 1}
    assert not path.with_name(".out.jsonl.raw").exists()
    await files.write(path, some(*found), None)
    assert [json.loads(line)["key"] for line in path.read_text().splitlines()] == [
        "gone",
        "lot-1",
        "lot-9",
    ]
    with pytest.raises(BadInput, match="name a file in a folder"):
        files.check(tmp_path / "no" / "out.jsonl")


def test_a_step_does_a_fused_case() -> None:
    fused = starting.work_of(LOTS, Grade.FUSED)
    assert (fused.kind, fused.name) == ("step", "appraise-lot")
