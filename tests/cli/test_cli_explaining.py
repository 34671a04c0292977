"""`explain` and `logs` of files: no server, clear words, one line for what is no history."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

import starter
from cli.explaining import is_file
from cli.explanation import explanation
from cli.histories import from_file
from insight.shown.log import log
from runtime.settings import ROOT

HISTORY = ROOT / "tests/replay/due_diligence_carbo.json"

Braid = Callable[..., tuple[int, str, str]]


@pytest.fixture
def braid(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Braid:
    """Run `starter.py` in this process: exit code, standard output, standard error.

    Nobody is at the given service, so a command that wanted a server would end with 3.
    """
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("BRAID_ENCRYPTION", "off")

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["starter.py", *arguments])
        code = starter.main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_a_file_is_explained_without_a_server_within_80_columns(braid: Braid) -> None:
    code, said, wrong = braid("explain", str(HISTORY), "--graph")
    assert (code, wrong) == (0, "")
    lines = said.splitlines()
    assert lines[0].startswith("due-diligence  completed  dd-carbo-ceramics")
    assert max(map(len, lines)) <= 80
    for word in ("credit", "references/trade-1", "speed-up", "US$"):
        assert word in said


def test_json_is_the_whole_report_and_a_list_for_several_histories(
    braid: Braid, tmp_path: Path
) -> None:
    one = json.loads(braid("explain", str(HISTORY), "--json")[1])
    assert one["process"] == "due-diligence"
    assert {"resolve_roles", "filings", "send_mail"} <= {s["name"] for s in one["spans"]}
    pair = tmp_path / "two.json"
    history = json.loads(HISTORY.read_text(encoding="utf-8"))
    pair.write_text(json.dumps([history, history]), encoding="utf-8")
    assert [r["case"] for r in json.loads(braid("explain", str(pair), "--json")[1])] == [
        one["case"],
        one["case"],
    ]


def test_a_page_is_written_and_opened(
    braid: Braid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    file = tmp_path / "out.html"
    code, said, told = braid("explain", str(HISTORY), "--html", str(file), "--open", "--mermaid")
    assert (code, said.splitlines()[0]) == (0, "flowchart LR")
    assert "dd-carbo-ceramics" in file.read_text(encoding="utf-8")
    assert opened == [file.as_uri()]
    assert str(file) in told
    assert "no browser" in told, "the one of this test opens nothing"


def test_a_page_that_cannot_be_written_is_one_line(braid: Braid, tmp_path: Path) -> None:
    code, said, wrong = braid("explain", str(HISTORY), "--html", str(tmp_path / "no/out.html"))
    assert (code, said, wrong.count("\n")) == (2, "", 1)
    assert "--html" in wrong


def test_logs_of_one_branch_as_json_lines(braid: Braid) -> None:
    code, said, _ = braid("logs", str(HISTORY), "--branch", "references", "--json")
    assert code == 0
    lines = [json.loads(line) for line in said.splitlines()]
    assert {line["branch"].split("/")[0] for line in lines} == {"references"}
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    model = next(line for line in lines if line["name"] == "ask_model")
    assert (model["what"], model["vendor"]) == ("scheduled", "gemini")
    assert next(line for line in lines if line["worker"])["what"] == "started"


def test_an_unknown_branch_is_told_with_those_there_are(braid: Braid) -> None:
    code, said, wrong = braid("logs", str(HISTORY), "--branch", "credits")
    assert (code, said) == (2, "")
    assert "'credits'" in wrong
    assert "credit, references" in wrong
    assert wrong.count("\n") == 1


@pytest.mark.parametrize("text", ["", "{half", "[]", '{"events": []}', "PK\x03\x04", "7"])
@pytest.mark.parametrize("command", ["explain", "logs"])
def test_what_is_no_history_is_one_line(
    braid: Braid, tmp_path: Path, command: str, text: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text, encoding="utf-8")
    code, said, wrong = braid(command, str(file))
    assert (code, said) == (2, "")
    assert "bad.json" in wrong
    assert wrong.count("\n") == 1


def test_a_file_that_is_not_there_is_one_line(braid: Braid) -> None:
    code, _, wrong = braid("explain", "nowhere.json")
    assert (code, wrong.count("\n")) == (2, 1)
    assert "nowhere.json" in wrong


def test_every_foreign_history_is_drawn_and_logged_within_80_columns(shared_data: Path) -> None:
    known = [one for f in sorted(shared_data.glob("histories/*/*.json")) for one in from_file(f)]
    assert len(known) > 50
    for encoding in ("utf-8", "ascii"):
        raw = io.BytesIO()
        out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
        console = Console(file=out, width=80, color_system=None, legacy_windows=False)
        for one in known:
            console.print(explanation(one, console, with_graph=True))
        out.flush()
        lines = raw.getvalue().decode(encoding).splitlines()
        assert max(map(cell_len, lines)) <= 80
        assert len(lines) < 60 * len(known), "short for small runs, folded for large ones"
    for one in known:
        told = {line.span for line in log(one) if line.written()}
        assert told >= {span.id for span in one.spans}, one.case


def test_a_workflow_id_longer_than_a_file_name_is_no_file() -> None:
    assert not is_file("x" * 1000)
    assert is_file("x" * 1000 + ".json")
    assert not is_file("order:7/eu"), "a workflow id may have a slash"
