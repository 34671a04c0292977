"""The rules of the house that a machine can check."""

import ast
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from temporalio import activity
from temporalio.client import Client

from activities.wire import Wire
from runtime.settings import ROOT, Settings
from store.database import Store
from worker import Deployed, deploy
from workflows import calls
from workflows.data.answers import ANSWERS
from workflows.data.common import Record
from workflows.data.llm import ANSWER_PATTERN

LONGEST_MODULE, LONGEST_FUNCTION = 300, 40
LEFT_OUT = {"tests", "bench", "docs"}
"""Folders that hold no product code."""


def files() -> Iterator[Path]:
    """Give every file of the project: not the environment, data or caches of a checkout."""
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [
            d
            for d in inner
            if d not in {".git", "__pycache__", "node_modules"}
            and not d.startswith((".venv", ".braid", ".hypothesis", ".import_linter"))
            and not d.endswith("_cache")
        ]
        yield from (
            Path(folder, name) for name in names if name != ".git" and not name.startswith(".venv")
        )


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


MODULES = sorted(
    path
    for path in files()
    if path.suffix == ".py" and path.relative_to(ROOT).parts[0] not in LEFT_OUT
)


def test_the_walk_finds_every_room_of_the_house() -> None:
    rooms = {relative(path).split("/")[0] for path in MODULES}
    assert {"workflows", "activities", "store", "insight", "runtime", "simulator"} <= rooms
    assert {"cli", "scripts", "deployed.py", "worker.py", "starter.py"} <= rooms
    assert "pyproject.toml" in {relative(path) for path in files()}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_packages_open_with_a_docstring_and_nothing_else() -> None:
    wrong = []
    for path in MODULES:
        if path.name == "__init__.py":
            body = parsed(path).body
            if len(body) != 1 or not ast.get_docstring(ast.Module(body, [])):
                wrong.append(relative(path))
    assert wrong == []


def test_modules_and_functions_are_short() -> None:
    wrong = []
    for path in MODULES:
        if (length := path.read_text(encoding="utf-8").count("\n")) > LONGEST_MODULE:
            wrong.append(f"{relative(path)}: {length} lines")
        for node in functions(path):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                wrong.append(f"{relative(path)}: {node.name} has {length} lines")
    assert wrong == []


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Give all functions of a module; none is inside an expression, where most of a tree is."""
    left: list[ast.AST] = [parsed(path)]
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        left += [n for n in ast.iter_child_nodes(node) if not isinstance(n, ast.expr)]


# Written in pieces, so that this file does not find itself.
FORBIDDEN = {
    "path of a machine": re.compile(r"(?<![\w.~-])/(?:ro" + r"ot|wo" + r"rk)/"),
    "package index": re.compile(r"py" + r"pi\.org|python" + r"hosted\.org"),
    "address of an index": re.compile(r"index-" + r"url[ =\"']+http"),
}


def test_no_file_names_a_machine_or_a_package_index() -> None:
    wrong = []
    for path in files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        wrong += [
            f"{relative(path)}: {what}" for what, rule in FORBIDDEN.items() if rule.search(text)
        ]
    assert wrong == []


@pytest.mark.parametrize(
    "text", ["see /ro" + "ot/x", '"/wo' + 'rk/main"', "https://py" + "pi.org/simple"]
)
def test_what_is_forbidden_would_be_found(text: str) -> None:
    assert any(rule.search(text) for rule in FORBIDDEN.values())


def imported(file: str) -> set[str]:
    """Give the top-level packages a file imports, also inside functions."""
    nodes = list(ast.walk(parsed(ROOT / file)))
    named = {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
    named |= {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
    return {name.split(".")[0] for name in named}


def test_the_command_line_starts_without_activities_simulator_or_worker() -> None:
    """import-linter takes packages only, so the modules beside them are read here."""
    assert "cli" in imported("starter.py")
    assert not imported("starter.py") & {"activities", "simulator", "worker"}
    assert "workflows" in imported("deployed.py"), "replayed by the command line"
    assert not imported("deployed.py") & {"activities", "store", "simulator", "worker"}


# ---- calls and the worker ------------------------------------------------------------------


@pytest.fixture
async def deployed(tmp_path: Path) -> AsyncIterator[Deployed]:
    settings = Settings(data=tmp_path, simulator="http://127.0.0.1:9")
    store, wire = await Store.open(settings.database), Wire(settings)
    client = await Client.connect("127.0.0.1:9", lazy=True)
    yield deploy(settings, store, wire, client)
    await wire.close()
    await store.close()


def test_calls_have_names_of_their_own_and_all_are_listed() -> None:
    named = [c for c in vars(calls).values() if isinstance(c, calls.Call)]
    assert {c.name for c in named} == {c.name for c in calls.ALL}
    assert [n for n, count in Counter(c.name for c in calls.ALL).items() if count > 1] == []


def test_every_call_has_bounds() -> None:
    for call in calls.ALL:
        assert call.timeout.total_seconds() > 0, call.name
        assert call.attempts >= 1, call.name
        assert issubclass(call.input, Record), call.name
        assert issubclass(call.output, Record), call.name


async def test_worker_answers_every_call_once_with_its_records(deployed: Deployed) -> None:
    answered = [*deployed.main, *deployed.vendor]
    definitions = [activity._Definition.must_from_callable(a) for a in answered]
    assert Counter(d.name for d in definitions) == Counter(c.name for c in calls.ALL)
    by_name = {c.name: c for c in calls.ALL}
    for definition in definitions:
        call = by_name[str(definition.name)]
        assert definition.arg_types == [call.input], call.name
        assert definition.ret_type is call.output, call.name


async def test_only_model_calls_are_answered_on_the_queues_of_vendors(deployed: Deployed) -> None:
    names = {activity._Definition.must_from_callable(a).name for a in deployed.vendor}
    batches = {calls.SUBMIT_BATCH.name, calls.COLLECT_BATCH.name, calls.CANCEL_BATCH.name}
    assert names == {calls.ASK_MODEL.name} | batches


def test_every_answer_of_a_model_is_a_record_under_its_own_name() -> None:
    for name, record in ANSWERS.items():
        assert issubclass(record, Record)
        assert record.__name__ == name
        assert re.fullmatch(ANSWER_PATTERN, name)
