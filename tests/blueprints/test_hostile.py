"""Hostile blueprints: refused by command, with their reason, before anything runs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.errors import BadInput
from starter import app

ASK = "name: bad\ninput: {{x: any}}\nsteps:\n  a: {{ask: drafter, prompt: {0!r}}}\n"
STEP = "name: bad\nsteps:\n  a: {0}\n"
HOSTILE = {
    "escape": (ASK.format("{{ input.x.__class__.__mro__[1] }}"), "begins with __"),
    "escape by a filter": (ASK.format("{{ input.x | attr('y') }}"), "no filter is called attr"),
    "escape by a name": (ASK.format("{{ self._TemplateReference__context }}"), "called self"),
    "endless loop": (ASK.format("{% for i in range(10**9) %}{% endfor %}"), "nothing can be"),
    "endless rounds": (
        STEP.format("{ask: drafter, prompt: Go, repeat: {until: '{{ 0 }}', at_most: 99}}"),
        "at_most",
    ),
    "endless cases": (STEP.format("{run: bad}"), "runs itself|within itself"),
    "endless cases by two": (STEP.format("{run: worse}"), "worse runs itself again"),
    "huge expansion": (
        STEP.format("{ask: drafter, prompt: Go, for_each: '{{ [1] * 1000000000 }}'}"),
        "only numbers take",
    ),
    "half a character": (ASK.format(r"{{ '\ud800' }}"), "half a character"),
    "huge file": ("x: " + "y" * 1_000_001, "larger than"),
    "billion laughs": ("a: &a [1, 1]\nb: &b [*a, *a]\n", "aliases"),
    "bottomless": ("[" * 100 + "]" * 100, "nested deeper"),
    "enormous output": (ASK.format("{{ 'x' * 1000000000 }}"), "only numbers take"),
    "private address": (
        STEP.format("{http: {endpoint: 'http://169.254.169.254/latest'}}"),
        "address",
    ),
    "private address by path": (
        STEP.format("{http: {endpoint: crm, path: '//10.0.0.1/'}}"),
        "another host",
    ),
    "another folder": (STEP.format("{run: ../../secret}"), "name of a process"),
    "python in YAML": (STEP.format("!!python/object:os.system {}"), "tags"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_blueprint_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    text, why = HOSTILE[name]
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "worse.yaml").write_text("name: worse\nsteps:\n  b: {run: bad}\n", encoding="utf-8")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr("cli.blueprints.running.in_session", never)
    refused = CliRunner().invoke(app, ["blueprint", "run", str(path), "--input", "x=1"]).exception
    assert isinstance(refused, BadInput)
    with pytest.raises(BadInput, match=why):
        raise refused
