"""Blueprints read from YAML: each mistake names file, line, column and mend."""

from pathlib import Path

import pytest

from cli.blueprints.auditing import audited
from cli.blueprints.checking import checked
from cli.blueprints.making import wrong_names
from cli.blueprints.reading import read_blueprint
from cli.errors import BadInput

GOOD = """\
name: quiz
input: {article: text}
steps:
  summary:
    ask: writer
    prompt: |
      Sum up
      {{ input.article }}
    takes: 8s
    attempts: 3
  quiz:
    ask: writer
    prompt: "Quiz on {{ steps.summary.text }}"
    with: {copies: 3, share: 0.5, number: "007", code: 007, day: 2026-11-20, ok: yes, no: null}
    on_failure: {default: [1, true]}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "quiz.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_values_keep_their_kind_and_places_are_known(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    source = read_blueprint(path)
    quiz = source.blueprint.steps["quiz"]
    assert dict(quiz.given) == {
        "copies": 3,
        "share": 0.5,
        "number": "007",
        "code": "007",
        "day": "2026-11-20",
        "ok": "yes",
        "no": None,
    }
    assert quiz.on_failure.default == [1, True]
    places = {
        ("steps", "summary"): "4:3",
        ("steps", "summary", "takes"): "9:5",
        ("steps", "quiz", "with", "share"): "14:23",
        ("steps", "quiz", "on_failure", "default", 1): "15:31",
        ("steps", "quiz", "gone"): "11:3",
    }
    for loc, place in places.items():
        assert source.place(loc) == f"{path}:{place}"
    assert source.place(("steps", "summary", "prompt"), 2) == f"{path}:8:5"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("takes: 8s", "take: 8s", "9:5: steps.summary.take: Extra.*did you mean takes?"),
        ("takes: 8s", "takes: 8 parsecs", "9:5: steps.summary.takes: .*as 90s"),
        ('ask: writer\n    prompt: "', 'source: x\n    ask: y\n    prompt: "', "exactly one of"),
        ("name: quiz", "name: Quiz", "1:1: name: write lower-case"),
        ("  quiz:\n", "  summary:\n", "line 11: summary stands there twice"),
        ("{article: text}", "{article: texts}", "2:9: input.article: write text, number"),
        ("name: quiz", "name: 2026", "1:1: name: .*in quotes"),
        ("takes: 8s", "takes: &a 8s\n    about: *a", "aliases"),
        ("takes: 8s", "takes: !!int 8", "tags"),
        ("attempts: 3", "attempts: 99", "10:5: steps.summary.attempts: .*smaller"),
        ("{default: [1, true]}", "{skip: true, fail: true}", "15:5: .*exactly one of fail"),
        (GOOD, "- 1\n", "no blueprint"),
    ],
)
def test_mistakes_name_place_and_mend(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInput, match=says):
        read_blueprint(written(tmp_path, GOOD.replace(old, new, 1)))


def test_blueprints_that_are_run_are_audited_with_their_own_places(tmp_path: Path) -> None:
    inner = GOOD.replace("name: quiz", "name: inner").replace("steps.summary.text", "steps.sum")
    middle = "name: middle\ninput: {t: text}\n"
    middle += "steps:\n  a: {run: inner, with: {article: '{{ input.t }}'}}"
    outer = middle.replace("middle", "outer").replace("inner", "middle").replace("article", "t")
    for name, text in (("inner", inner), ("middle", middle), ("outer", outer)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    path, place = tmp_path / "outer.yaml", f"{tmp_path}/inner.yaml:13:5: error unknown-step"
    (placed,) = [p for p in audited(read_blueprint(path)) if p.is_error]
    assert placed.line().startswith(place)
    found = checked(path)
    assert next(line for line in found.errors if "unknown-step" in line).startswith(place)


def test_what_is_called_is_given_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(GOOD.replace("name: quiz", "name: inner"), "utf-8")
    text = """\
name: outer
steps:
  a: {run: inner, with: {articel: x}}
  b: {effect: chat, with: {template: t, number: 0, text: x}, undo: {effect: stock}}
"""
    found = wrong_names(read_blueprint(written(tmp_path, text)))
    for said in (
        "3:26: inner takes no 'articel'; it takes article",
        "3:19: inner needs article",
        "stock needs ",
    ):
        assert any(said in line for line in found), (said, found)
    assert len(found) == 3
