"""Each instance of a workflow loads its module anew, from code that is kept."""

import importlib
import secrets
import sys
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow

from deployed import runner

MODULE = """
import sys
from temporalio import workflow

STATE = []
sys.loaded.append(STATE)

@workflow.defn
class Example:
    @workflow.run
    async def run(self) -> None:
        ...
"""


async def test_an_instance_has_a_state_of_its_own_and_the_code_the_worker_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[list[Any]] = []
    monkeypatch.setattr(sys, "loaded", states, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"kept_{secrets.token_hex(4)}"
    file = tmp_path / f"{name}.py"
    file.write_text(MODULE, encoding="utf-8")
    process = importlib.import_module(name).Example
    defined = workflow._Definition.must_from_class(process)
    sandbox = runner()
    sandbox.prepare_workflow(defined)
    file.write_text("half of a new version (", encoding="utf-8")
    sandbox.prepare_workflow(defined)
    outside, first, second = map(id, states)
    assert len({outside, first, second}) == 3
