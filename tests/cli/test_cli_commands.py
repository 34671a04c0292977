"""The command line as people meet it: exit codes, one clear line, no traceback."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import starter as starter_module
from cli.inputs import read
from cli.processes import PROCESSES, process
from runtime.settings import ROOT
from workflows.data.email_triage import SupportDesk

pytestmark = pytest.mark.server
NAMES = [e.name for e in PROCESSES]

GOOD = (ROOT / "cases/unilever.yaml").read_text(encoding="utf-8")
BAD_CASES = {
    "empty.yaml": "",
    "digits.yaml": GOOD.replace("RWML317", "RWML318"),
    "day.yaml": GOOD.replace("opened: 2026-11-20", "opened: 2026-02-30"),
}
NO_STACK = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "BRAID_ENCRYPTION": "off"}
"""A service nobody is at: a command that got as far as connecting would end with 3, not 2."""


def starter(
    *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BRAID_", "TEMPORAL_", "PYTHON"))
    }
    return subprocess.run(
        [sys.executable, ROOT / "starter.py", *arguments],
        env={**kept, "COLUMNS": "100", "NO_COLOR": "1", **(NO_STACK if env is None else env)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def one_line(done: subprocess.CompletedProcess[str], code: int) -> str:
    """Give the one line of complaint; nothing else may have been said."""
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bad cases")
    for name, text in BAD_CASES.items():
        (made / name).write_text(text, encoding="utf-8")
    (made / "message.json").write_text("{half", encoding="utf-8")
    return made


SAID: dict[str, tuple[list[str], list[str]]] = {
    "unknown process": (["run", "onboarding", "case.yaml"], ["'onboarding'", "due-diligence"]),
    "nearly a process": (["run", "due_diligence", "case.yaml"], ["did you mean due-diligence?"]),
    "no such file": (["run", "due-diligence", "@nothing.yaml"], ["no such file", "cases/"]),
    "empty case": (["run", "due-diligence", "@empty.yaml"], ["empty.yaml", "copy an example"]),
    "check digits": (["run", "due-diligence", "@digits.yaml"], ["line 14", "17 would fit"]),
    "impossible day": (["run", "due-diligence", "@day.yaml"], ["line 3: opened", "day that"]),
    "bad case with --json": (["run", "due-diligence", "@empty.yaml", "--json"], ["empty.yaml"]),
    "verdict": (["decide", "x", "maybe", "--as", "ana"], ["'maybe'", "approve, decline"]),
    "nobody decides": (["decide", "x", "approve"], ["--as"]),
    "name": (["decide", "x", "approve", "--as", "Ana B"], ["by:"]),
    "condition": (
        ["decide", "x", "approve", "--as", "ana", "--condition", "LIMIT"],
        ["'LIMIT'", "CODE=VALUE"],
    ),
    "amount": (
        ["decide", "x", "approve", "--as", "ana", "--condition", "LIMIT=lots"],
        ["'lots'", "LIMIT=10000"],
    ),
    "value": (
        ["decide", "x", "supply", "--as", "ana", "--value", "{half"],
        ["the value is not JSON", "@FILE"],
    ),
    "seat": (["decide", "x", "retry", "--as", "ana", "--for", "Bo B"], ["stands_for:"]),
    "message": (["signal", "x", "reference_reply", "{half"], ["not JSON", "@FILE"]),
    "message in a file": (["signal", "x", "decide", "@@message.json"], ["not JSON"]),
    "message without file": (["signal", "x", "decide", "@nowhere.json"], ["nowhere.json"]),
    "role": (["ask", "poet", "Why?"], ["'poet'", "triage, analyst"]),
    "day of costs": (["costs", "--since", "2026-02-30"], ["2026-02-30", "2026-11-20"]),
    "lines of costs": (["costs", "--by", "colour"], ["'colour'", "case, branch, model"]),
    "no answers": (["calibrate"], ["FILE.jsonl or --demo"]),
    "stars": (["rate", "x", "6"], ["1-5", "5"]),
    "statistics of nothing": (["stats"], ["PROCESS", "--from FOLDER"]),
    "day of statistics": (["stats", "x", "--since", "2026-02-30"], ["2026-02-30", "7d"]),
    "groups of statistics": (["stats", "x", "--by", "colour"], ["'colour'", "version, policy"]),
    "statistics of no history": (["stats", "--from", "nowhere"], ["nowhere", "JSON histories"]),
    "unknown command": (["frobnicate"], ["frobnicate", "--help"]),
    "unknown option": (["list", "--frob"], ["--frob", "--help"]),
    "option of the wrong type": (["stack", "--speed", "fast"], ["--speed", "number", "--help"]),
    "speed of nothing": (["stack", "--speed", "0"], ["0.1", "--help"]),
}


IN_A_PROCESS_OF_ITS_OWN = (
    *("unknown process", "empty case", "check digits", "impossible day", "verdict", "condition"),
    *("message", "unknown command", "unknown option"),
)


def _arguments(folder: Path, name: str) -> list[str]:
    """Let `@x.yaml` stand for a case file in `folder`, `@@x` for a message in a file there."""
    found = []
    for word in SAID[name][0]:
        if word.startswith("@@"):
            found.append(f"@{folder / word[2:]}")
        else:
            found.append(str(folder / word[1:]) if word.endswith(".yaml") else word)
    return found


@pytest.mark.parametrize("name", IN_A_PROCESS_OF_ITS_OWN)
def test_bad_input_is_one_clear_line_before_anything_starts(folder: Path, name: str) -> None:
    said = one_line(starter(*_arguments(folder, name)), 2)
    assert all(word in said for word in SAID[name][1]), said


Here = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The same in this process, for speed: what `starter.py` does once it is imported."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    for name in [n for n in os.environ if n.startswith(("BRAID_", "TEMPORAL_"))]:
        monkeypatch.delenv(name)
    for name, value in NO_STACK.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["starter.py", *arguments])
        code = starter_module.main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return run


@pytest.mark.parametrize("name", sorted(set(SAID) - set(IN_A_PROCESS_OF_ITS_OWN)))
def test_other_bad_input_is_one_clear_line_too(folder: Path, here: Here, name: str) -> None:
    said = one_line(here(*_arguments(folder, name)), 2)
    assert all(word in said for word in SAID[name][1]), said


@pytest.mark.parametrize(
    ("value", "word"), [("1", "unset BRAID_LIVE"), ("yes", "BRAID_LIVE='yes'")]
)
def test_demo_refuses_real_vendors(value: str, word: str) -> None:
    assert word in one_line(starter("demo", env={"BRAID_LIVE": value}), 2)


def test_no_server_is_exit_code_3_soon_and_in_one_line() -> None:
    """Before the test gives the command up."""
    said = one_line(starter("list"), 3)
    assert "127.0.0.1:1" in said
    assert "TEMPORAL_ADDRESS" in said


OPTIONS = {
    "demo": ["--crash", "--speed", "--json"],
    "run": [
        "PROCESS",
        "INPUT.yaml",
        "--id",
        "--origin",
        "--sequential",
        "--announce",
        "--detach",
        "--profile",
        "--live",
        "--json",
    ],
    "batch": ["start", "watch", "pause", "resume", "status", "results", "list"],
    "schedule": ["add", "rescreen", "list", "show", "pause", "resume", "run", "remove"],
    "shadow": ["run", "promote", "demote", "list", "As: starter.py shadow"],
    "deploy": ["code", "status", "current", "ramp"],
    "blueprint": ["new", "check", "graph", "run"],
    "receive": ["process", "desk", "--port", "--host", "--secret-env", "--json"],
    "gateway": ["--accept", "--port", "--host", "--secret-env", "--json"],
    "gateway-token": ["--for", "--may", "start,read,send,decide", "--minutes", "--revoke"],
    "schema": ["NAME", "--out"],
    "watch": ["CASE", "--profile"],
    "status": ["CASE", "--json"],
    "decide": ["approve, decline, refer", "--as", "--condition", "LIMIT=10000", "--key", "--json"],
    "identity": ["new", "show", "identity new ana"],
    "signal": ["MESSAGE", "@FILE", "--json"],
    "cancel": ["CASE", "--json"],
    "list": ["--profile", "--json"],
    "explain": ["CASE|FILE", "--times", "--graph", "--html", "--open", "--mermaid", "--json"],
    "logs": ["CASE|FILE", "--branch", "--follow", "--profile", "--json"],
    "ask": ["ROLE", "--live", "--json"],
    "models": ["--json"],
    "calibrate": ["FILE.jsonl", "--demo", "--accuracy", "--baseline", "--out", "--json"],
    "limits": ["set", "pause", "resume", "tenant", "--json"],
    "gc": ["--older-than", "--dry-run", "--json"],
    "erase": ["CASE", "--yes", "--out", "--json"],
    "estimates": ["PROCESS|STEP", "--learn", "--at", "--profile", "--json"],
    "costs": ["CASE", "--since", "--by", "--json"],
    "fork": ["CASE", "--at", "STEP", "--only", "--input", "--id", "--detach", "--json"],
    "reset": ["CASE", "--at", "--failed", "PROCESS", "--reason", "--json"],
    "replay": ["FILE|CASE|DIR", "--all", "--step", "--until", "--json"],
    "stats": ["PROCESS", "--since", "--before", "--after", "--by-hand", "--from", "--json"],
    "rate": ["CASE", "1-5", "--comment", "--as", "--json"],
    "dossier": ["CASE", "--html", "--open"],
    "plan": ["FILE.yaml|DIR", "--durations", "--volume", "--hourly", "--json"],
    "flaws": ["FILE.yaml|HISTORY.json|CASE", "--profile", "--json"],
    "audit": ["CASE", "--file", "--verify", "--refusals", "--head", "--out", "--json"],
    "ownership": ["FILE", "--of", "--json"],
    "keys": ["new", "rotate", "--later", "list", "drop"],
    "codec": ["serve", "token", "BRAID_CODEC_ORIGINS"],
    "stack": ["--speed", "--live", "--json"],
    "doctor": ["--json"],
}


def test_help_lists_every_command_and_the_exit_codes() -> None:
    done = starter("--help")
    assert (done.returncode, done.stderr) == (0, "")
    listed = set(re.findall(r"^│ ([a-z][a-z-]*) ", done.stdout, re.MULTILINE))
    assert listed == set(OPTIONS)
    text = " ".join(done.stdout.split())
    for word in ("Exit codes", "2 bad input", "3 no server", "130 interrupted"):
        assert word in text


@pytest.mark.parametrize("command", OPTIONS)
def test_help_of_a_command_teaches_its_options(here: Here, command: str) -> None:
    done = here(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.replace("│", " ").split()).lower()
    assert [w for w in OPTIONS[command] if w.lower() not in text] == [], text


TAKING_PROCESSES = ("run", "batch start", "schedule add")
AS = re.compile(r"As: starter\.py (.*?)(?: *\n)")


@pytest.mark.parametrize("command", TAKING_PROCESSES)
def test_help_lists_the_processes(here: Here, command: str) -> None:
    said = here(*command.split(), "--help").stdout
    assert [name for name in NAMES if f" {name} " not in said] == []
    assert "cases/PROCESS/*.yaml" in said


@pytest.mark.parametrize("command", [*TAKING_PROCESSES, "batch", "receive"])
def test_the_example_in_a_help_names_a_process_and_inputs_that_fit(
    here: Here, command: str
) -> None:
    [line] = AS.findall(here(*command.split(), "--help").stdout)
    words = line.split()
    [place] = [ROOT / word for word in words if word.startswith("cases/")]
    [entry] = [process(word) for word in words if word in NAMES]
    record = SupportDesk if command == "receive" else entry.record
    for file in place.glob("*.yaml") if place.is_dir() else [place]:
        read(file, record)
