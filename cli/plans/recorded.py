"""A recorded run as a blueprint to be read and changed: `plan HISTORY --as-blueprint`."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from cli.blueprints.auditing import OURS
from cli.errors import BadInput
from cli.histories import histories_in
from insight.history.drafts import when
from insight.history.reader import Events
from insight.plan.critical import critical
from insight.plan.recorded.calls import left_out
from insight.plan.recorded.written import Names, as_blueprint
from insight.plan.sheet import seconds
from runtime.catalogue import Catalogue
from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.planned import plan_of
from workflows.rules.blueprints.doors import EFFECTS

_WIDTH = 98


class _Dumper(yaml.SafeDumper):
    """YAML as people write it: longer texts as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text.strip() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def written(path: Path, catalogue: Catalogue) -> str:
    """Write the blueprint of the one run in a file, with comments on what it is.

    Raises BadInput if there are several runs, or none of whose calls came to its end.
    """
    runs = histories_in(path)
    if len(runs) > 1:
        raise BadInput(f"{path}: {len(runs)} histories in one file; give one at a time")
    events = runs[0]
    roles = {
        named: min(behind, key=lambda role: catalogue.roles[role].index(model))
        for model in catalogue.models
        for named in (model, catalogue.model(model).id)
        if named and (behind := catalogue.roles_of(model))
    }
    effects = {call.name: name for name, call in EFFECTS.items()}
    process = events[0].workflow_execution_started_event_attributes.workflow_type.name
    try:
        found = as_blueprint(events, _name(process), OURS, Names(roles, effects))
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from error
    comments = "".join(f"# {line}\n" for line in _told(path, process, events, found))
    text = yaml.dump(found, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return comments + text


def _name(process: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", process.lower()).strip("-")[:40].rstrip("-")
    return name if name[:1].isalpha() else f"run-{name}"[:40].rstrip("-")


def _told(path: Path, process: str, events: Events, found: object) -> Iterator[str]:
    way = critical(plan_of(Blueprint.model_validate(found)))
    took = (when(events[-1]) - when(events[0])).total_seconds()
    yield f"Written from a run of {process} ({path.name}), which took {seconds(took)}."
    yield f"Its calls took {seconds(way.machine_in_order)} in order; the least is"
    yield f"{seconds(way.machine)}: {' -> '.join(way.path)}."
    if lost := left_out(events, OURS):
        yield f"Left out: {lost} calls that failed, were cancelled or never ended."
    yield "A step waits for those whose data it used; the order stays where data cannot tell."
    yield "Read it before it runs: one run shows neither other paths nor hidden dependencies."
