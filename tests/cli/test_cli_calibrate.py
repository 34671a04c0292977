"""`calibrate` as people meet it: a file in, curve, thresholds and tiers out, mistakes named."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.calibrate import calibrate
from cli.errors import BadInput, Trouble
from cli.labelled import demo_bank, read_file, read_lines
from insight.confidence.calibration import Wishes, fit_all
from insight.confidence.tiers import Finding, quality
from simulator.app import create_app
from simulator.config import SimulatorConfig
from simulator.server import serving
from tests.insight.banks import bank
from workflows.data.confidence import CalibrationBook, Method


def lines(n: int, **fields: object) -> list[str]:
    """Write labelled answers of a model that is too sure of itself."""
    made = bank(n, seed=11)
    return [
        json.dumps({"id": f"q{k}", "confidence": a.confidence, "correct": a.correct} | fields)
        for k, a in enumerate(made)
    ]


def write(folder: Path, rows: Sequence[str]) -> Path:
    file = folder / "labelled.jsonl"
    file.write_text("\n".join(rows), encoding="utf-8")
    return file


Shown = Callable[..., str]


@pytest.fixture
def shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shown:
    """Run the command on lines; give what it printed."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(
        rows: Sequence[str],
        *,
        baseline: str = "",
        to: Path | None = None,
        as_json: bool = False,
        **wishes: Any,
    ) -> str:
        given = read_file(write(tmp_path, rows))
        calibrate(given, wishes=Wishes(**wishes), baseline=baseline, to=to, as_json=as_json)
        return capsys.readouterr().out

    return run


def test_a_person_sees_curve_errors_and_the_threshold(shown: Shown, tmp_path: Path) -> None:
    kept = tmp_path / "calibration.json"
    text = shown(lines(600), accuracy=0.85, to=kept)
    for word in (
        "all answers  600 labelled answers",
        "0.9-1.0",
        "ECE",
        "->",
        "AUROC",
        "85.0% right",
    ):
        assert word in text
    assert "no threshold" not in text
    book = CalibrationBook.model_validate_json(kept.read_text(encoding="utf-8"))
    mended = book.of("any model")
    assert mended.method is not Method.AS_STATED
    assert mended.ece < mended.ece_stated
    threshold = mended.threshold()
    assert threshold is not None
    assert mended.accepts(1.0)
    assert f"{threshold.at:.3f}" in text


def test_too_few_answers_are_told_and_no_threshold_is_given(shown: Shown) -> None:
    text = shown(lines(99))
    assert "no threshold for accuracy: 99 labelled answers; below 100 no threshold is safe" in text
    assert "no threshold" not in shown(lines(99), accuracy=0.5, force=True)


def test_models_are_compared_with_the_baseline_by_tier(shown: Shown) -> None:
    weak = lines(300, model="weak", complexity="hard", note="x")
    strong = [json.dumps(json.loads(one) | {"model": "strong", "correct": True}) for one in weak]
    told = json.loads(shown([*weak, *strong], baseline="strong", as_json=True))
    assert {c["model"] for c in told["book"]["calibrations"]} == {"", "weak", "strong"}
    assert {(t["model"], t["finding"]) for t in told["tiers"]} == {
        ("weak", "costs quality"),
        ("strong", "best over all"),
    }
    assert told["unread"] == ["note"]
    promises = {r["model"]: set(r["missing"]) for r in told["reliability"]}
    assert "loss" not in promises["strong"], "it is the baseline"
    text = shown([*weak, *strong], baseline="strong", loss=0.2)
    assert "20.0% loss at most" in text
    assert "costs quality" in text
    assert "fields not read: note" in text
    with pytest.raises(BadInput, match="'sage' answered nothing; the file has strong, weak"):
        shown([*weak, *strong], baseline="sage")


def test_groups_have_a_line_each(shown: Shown) -> None:
    rows = [*lines(120, group="tax"), *lines(150, group="law"), *lines(30, group="art")]
    text = " ".join(shown(rows, accuracy=0.8).split())
    assert "law all 150" in text
    assert "tax all 120" in text
    assert "art: fewer than 100 answers; a wider calibration serves it" in text
    assert text.count("labelled answers,") == 1, "one curve: that of all"


WRONG = {
    '{"confidence": 0.5}': "correct: Field required: add it to every line",
    '{"confidence": 85, "correct": true}': "write a share between 0 and 1, as 0.85",
    '{"confidence": 0.5, "correct": "yes"}': "correct: Input should be a valid boolean",
    '{"confidence": 0.5, "correct": 1}': "write true or false",
    '{"confidence": NaN, "correct": true}': "confidence: ",
    "{half": "not JSON",
    "[1, 2]": "answer: ",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_line_is_named_with_its_mend(line: str) -> None:
    good = '{"confidence": 0.5, "correct": true}'
    with pytest.raises(BadInput) as caught:
        read_lines(f"{good}\n\n{line}\n{good}".encode(), "my.jsonl")
    said = str(caught.value)
    assert said.startswith("my.jsonl: line 3: ")
    assert WRONG[line] in said
    assert len(said.splitlines()) == 1


def test_many_mistakes_are_counted(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="and 13 more mistakes"):
        read_file(write(tmp_path, ["{}"] * 9))  # neither of the two fields: 18
    with pytest.raises(BadInput, match="cannot be read"):
        read_file(tmp_path / "nothing.jsonl")


def test_a_handful_of_answers_is_refused(shown: Shown) -> None:
    with pytest.raises(BadInput, match="3 labelled answers are too few"):
        shown(lines(3))


@pytest.mark.server
async def test_the_demos_bank_is_mended_and_has_thresholds() -> None:
    """As `--demo`: the simulator's labelled answers over HTTP, three models, one seed."""
    models = ("gemini-3.8-flash", "gpt-6.1-terra", "claude-sonnet-5-5")
    async with serving(create_app(SimulatorConfig(seed=7))) as url:
        bank = await demo_bank(url, models, seed=7)
    assert [a.model for a in bank.answers].count(models[0]) == 600
    assert {a.baseline_correct is None for a in bank.answers} == {True, False}
    fitted = [f.calibration for f in fit_all(bank.answers, Wishes())]
    of = {c.model: c for c in fitted if not c.group}
    assert set(of) == {"", *models}
    for c in of.values():
        assert c.ece < c.ece_stated, c.model
        assert c.auroc is not None
        assert c.auroc > 0.7
    assert of[""].threshold() is not None
    assert Finding.COSTS in {line.finding for line in quality(bank.answers)}
    with pytest.raises(Trouble, match="the simulator gives no labelled answers"):
        await demo_bank("http://127.0.0.1:9", models, seed=7)
