"""New blueprints from those there are, and the values a run is given."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from cli.blueprints.reading import Source, read_blueprint
from cli.errors import BadInput
from cli.inputs import mends
from cli.yaml_files import YamlFile
from runtime.settings import ROOT
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.shapes import shape
from workflows.data.common import JSON
from workflows.rules.blueprints.doors import PROCESSES, misfits

FOLDER = ROOT / "blueprints"
_FILE = re.compile(r"[a-z][a-z0-9_-]{0,79}")


def templates() -> list[str]:
    """Name the blueprints a new one may start from."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def new(path: Path, template: str) -> None:
    """Write a new blueprint. Raises BadInput if the template is unknown or the file is there."""
    if template not in templates():
        raise BadInput(f"there is no template {template!r}; there is {', '.join(templates())}")
    if path.exists():
        raise BadInput(f"{path} is there already; choose another name, or remove it")
    name = re.sub(r"[^a-z0-9-]+", "-", path.stem.lower()).strip("-")
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", name):
        raise BadInput(f"{path.stem!r} is no name; begin with a letter, as my-process")
    text = (FOLDER / f"{template}.yaml").read_text(encoding="utf-8")
    schema = os.path.relpath(FOLDER / "schema.json", path.absolute().parent)
    text = re.sub(r"^name: .*$", f"name: {name}", text, count=1, flags=re.MULTILINE)
    path.write_text(f"# yaml-language-server: $schema={schema}\n{text}", encoding="utf-8")


def wrong_names(source: Source) -> list[str]:
    """Say, with file, line and column, what a blueprint names that is not there."""
    case = BlueprintCase(case="check", blueprint=source.blueprint, others=others(source))
    return [f"{source.place(loc)}: {said}" for loc, said in misfits(case)]


def others(source: Source) -> dict[str, Blueprint]:
    """Give the blueprints its steps run, and those these run."""
    return {name: one.blueprint for name, one in run_by(source).items()}


def run_by(source: Source) -> dict[str, Source]:
    """Read the blueprints its steps run, and those these run: beside the file, else of ours."""
    found: dict[str, Source] = {}
    open_ = [source]
    while open_:
        current = open_.pop()
        for name in (step.run for step in current.blueprint.steps.values()):
            places = (folder / f"{name}.yaml" for folder in (current.file.path.parent, FOLDER))
            if not _FILE.fullmatch(name) or name in PROCESSES or name in found:
                continue
            if there := next((place for place in places if place.is_file()), None):
                found[name] = read_blueprint(there)
                open_.append(found[name])
    return found


def values(blueprint: Blueprint, given: Sequence[str]) -> dict[str, JSON]:
    """Read `--input`: files of fields, or `field=value`. Raises BadInput naming field and mend."""
    said: dict[str, JSON] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if equals and re.fullmatch(r"[a-z][a-z0-9_]*", name):
            said[name] = _typed(blueprint.input.get(name, "text"), value)
        else:
            said |= _file(Path(one))
    try:
        record = shape("Input", blueprint.input).model_validate_json(json.dumps(said))
    except ValidationError as error:
        takes = ", ".join(f"{name}: {kind}" for name, kind in blueprint.input.items()) or "nothing"
        told = "\n".join(f"input {line}" for line in mends(error))
        raise BadInput(f"{told}\n{blueprint.name} takes {takes}; as --input FIELD=VALUE") from error
    return record.model_dump(mode="json")


def _typed(kind: str, value: str) -> JSON:
    """Read a value of the command line: text stays text, lists may be written as JSON or a,b."""
    if not kind.startswith(("list of", "any")):
        return value
    try:
        found: JSON = json.loads(value)
    except ValueError:
        return [part.strip() for part in value.split(",")] if kind.startswith("list of") else value
    return found


def _file(path: Path) -> dict[str, JSON]:
    data = YamlFile(path, numbers=True).data
    if not isinstance(data, dict):
        raise BadInput(f"{path}: this holds no fields; write one a line, as topic: heat pumps")
    return data
