"""The blueprint of a recorded run: its calls as steps, what flowed between them as references."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from insight.history.reader import Events
from insight.history.spans import SpanKind
from insight.plan.audit.history import Known
from insight.plan.recorded.calls import MODEL_CALL, Recorded, recorded, start_values
from workflows.data.blueprints.blueprint import Blueprint, Step
from workflows.data.blueprints.references import ReadKind, reads
from workflows.data.common import JSON

_WHOLE, _WITHIN = 3, 20
"""Letters of the shortest text that is taken for a reference: alone, and inside another."""
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACES = re.compile(r"\{\{|\{%|\{#|\}\}|%\}|#\}")
_LONGEST = 20_000


@dataclass(frozen=True)
class Names:
    """How a blueprint says it: the role of each model, the effect of each call that has one."""

    roles: Mapping[str, str] = field(default_factory=dict)
    effects: Mapping[str, str] = field(default_factory=dict)


def as_blueprint(
    events: Events, name: str, known: Known, names: Names = Names()
) -> dict[str, JSON]:
    """Write the blueprint of one run; `names` are those a blueprint says.

    What comes out is a valid Blueprint. Raises ValueError if nothing in the run came to its end.
    """
    calls = recorded(events, known)
    if not calls:
        raise ValueError("no call of this run came to its end, so there are no steps")
    start = start_values(events)
    texts = _Texts()
    if isinstance(start, dict):
        for key, value in start.items():
            if _FIELD.fullmatch(key):
                texts.learn(f"input.{key}", value)
    steps: dict[str, JSON] = {}
    for one in calls:
        steps[one.id] = _step(one, calls, texts, names)
        texts.learn(f"steps.{one.id}", one.gave)
    fields: dict[str, JSON] = {}
    if isinstance(start, dict):
        fields = {key: _type(value) for key, value in start.items() if f"input.{key}" in texts.used}
    found: dict[str, JSON] = {"name": name, "input": fields, "steps": steps}
    Blueprint.model_validate(found)
    return found


class _Texts:
    """Where texts and numbers (as JSON) came from: who gave them first."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.used: set[str] = set()
        self._long: list[str] | None = None

    def learn(self, path: str, value: JSON) -> None:
        """Take in all texts and numbers of a value."""
        if isinstance(value, dict):
            for key, inner in value.items():
                if _KEY.fullmatch(key):
                    self.learn(f"{path}.{key}", inner)
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                self.learn(f"{path}[{number}]", inner)
        elif len(str(value)) >= _WHOLE and value not in (None, True, False):
            self.known.setdefault(json.dumps(value), path)
            self._long = None

    def filled(self, value: JSON) -> JSON:
        """Give a value with references in place of what is known."""
        if isinstance(value, dict):
            return {key: self.filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner) for inner in value]
        if isinstance(value, bool) or value is None:
            return value
        if (text := json.dumps(value)) in self.known:
            return f"{{{{ {self._path(text)} }}}}"
        return self.text(value) if isinstance(value, str) else value

    def text(self, said: str) -> str:
        """Give a text with references to the longer texts in it; its own braces stay braces."""
        if self._long is None:
            texts = (json.loads(text) for text in self.known if text.startswith('"'))
            self._long = sorted((t for t in texts if len(t) >= _WITHIN), key=len, reverse=True)
        said, places = said.replace("\0", ""), list[str]()
        for text in self._long:
            if text in said:
                said = said.replace(text, f"\0{len(places)}\0")
                places.append(self._path(json.dumps(text)))
        said = _BRACES.sub(lambda found: f"{{{{ '{found[0]}' }}}}", said)
        said = re.sub(r"\0(\d+)\0", lambda found: f"{{{{ {places[int(found[1])]} }}}}", said)
        return said if len(said) <= _LONGEST else said[:_LONGEST].rpartition("{{")[0]

    def _path(self, text: str) -> str:
        path = self.known[text]
        self.used.add(".".join(re.split(r"[.\[]", path)[:2]))
        return path


def _step(
    one: Recorded,
    calls: Sequence[Recorded],
    texts: _Texts,
    names: Names,
) -> dict[str, JSON]:
    """Write one step: what it does, what it waits for beyond what it reads, how long it took."""
    step = _does(one, texts, names)
    read = {read.name for read in reads(Step.model_validate(step)) if read.kind is ReadKind.STEP}
    if waits := [calls[n].id for n in one.needs if calls[n].id not in read]:
        step["needs"] = list[JSON](waits)
    if not one.is_message:
        step["takes"] = f"{max(one.seconds, 0.001):.3f}".rstrip("0").rstrip(".") + "s"
    return step


def _does(one: Recorded, texts: _Texts, names: Names) -> dict[str, JSON]:
    if one.is_message:
        return {"event": {"name": one.span.name}}
    first = one.asked[0] if one.asked else None
    if one.span.name == MODEL_CALL and isinstance(first, dict):
        return _ask(one, first, texts, names)
    given = {"with": _given(one.asked, texts)} if one.asked else {}
    if one.span.kind is SpanKind.CHILD:
        return {"run": one.span.name, **given}
    if effect := names.effects.get(one.span.name):
        return {"effect": effect, **given}
    return {"source": one.span.name, **given}


def _ask(
    one: Recorded, request: Mapping[str, JSON], texts: _Texts, names: Names
) -> dict[str, JSON]:
    prompt = request.get("prompt")
    said = [prompt.get(part) for part in ("system", "user")] if isinstance(prompt, dict) else []
    words = "\n\n".join(text for text in said if isinstance(text, str) and text)
    model = one.span.model
    step: dict[str, JSON] = {"ask": names.roles.get(model, model) or "analyst"}
    step["prompt"] = texts.text(words) or "-"
    gave = one.gave if isinstance(one.gave, dict) and [*one.gave] != ["text"] else {}
    gives: dict[str, JSON] = {k: _type(v) for k, v in gave.items() if _FIELD.fullmatch(k)}
    return step | ({"gives": gives} if gives else {})


def _given(asked: Sequence[JSON], texts: _Texts) -> JSON:
    first = asked[0]
    if len(asked) == 1 and isinstance(first, dict) and all(map(_FIELD.fullmatch, first)):
        return texts.filled(first)
    return {"value": texts.filled(first if len(asked) == 1 else list(asked))}


def _type(value: JSON) -> str:
    """Name the type of a field by one value of it."""
    if isinstance(value, list):
        inner = {_type(item) for item in value}
        kind = inner.pop() if len(inner) == 1 else "any"
        return "list of any" if kind.startswith("list") else f"list of {kind}"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) else "number"
    return "any"
