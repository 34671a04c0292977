"""The command `schema`: JSON Schemas of what goes into a workflow and what comes out of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.commands import out
from cli.errors import BadInput

app = typer.Typer()
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ANNOUNCEMENT = "announcement"


@app.command()
def schema(
    name: Annotated[str, typer.Argument(help="process, service or announcement; all if out")] = "",
    to: Annotated[
        Path | None, typer.Option("--out", help="folder for a file NAME.json of each")
    ] = None,
) -> None:
    """Print the JSON Schemas of a process: its input, messages, queries and result.

    As: starter.py schema due-diligence. Without a name: which there are (docs/messages.md).
    """
    known = names()
    if name and name not in known:
        raise BadInput(f"there is no {name!r}; there is {', '.join(known)}")
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        for one in [name] if name else known:
            text = json.dumps(schema_of(one), indent=1, ensure_ascii=False)
            (to / f"{one}.json").write_text(text + "\n", encoding="utf-8")
    elif name:
        out(schema_of(name))
    else:
        out({one: about for one, about in known.items()})


def names() -> dict[str, str]:
    """Give what has schemas, and what each is about."""
    from cli.processes import PROCESSES

    about = {entry.name: entry.about for entry in PROCESSES}
    services = {n: _first(w.__doc__) for n, w in _deployed().items() if n not in about}
    return {**about, **services, ANNOUNCEMENT: "the event a webhook carries"}


def schema_of(name: str) -> dict[str, Any]:
    """Give one document with the schemas of all that a workflow takes and gives.

    `input` and `result`; `queries`, `updates` and `signals` by name, each with `description`,
    `input` (an update's or signal's one argument) and `output`; records stand in `$defs`.
    """
    from pydantic import TypeAdapter

    shapes = dict(_shapes(name))
    inputs = [(where, _mode(where), TypeAdapter(shape)) for where, shape in shapes.items()]
    found, defined = TypeAdapter.json_schemas(inputs, ref_template="#/$defs/{model}")
    told: dict[str, Any] = {"$schema": DIALECT, "title": name, "description": names()[name]}
    for (where, _), part in found.items():
        inner = told
        for key in where[:-1]:
            inner = inner.setdefault(key, {})
        inner[where[-1]] = part
    for kind, handler, about in _handlers(name):
        told.setdefault(kind, {}).setdefault(handler, {})["description"] = about
    return {**told, "$defs": defined.get("$defs", {})}


def takes(name: str, kind: str) -> dict[str, Any]:
    """Give the messages of a workflow, of `kind` queries, updates or signals, and what each takes:
    None if nothing.
    """
    shapes = {where[1]: shape for where, shape in _shapes(name) if where[0::2] == (kind, "input")}
    return {message: shapes.get(message) for k, message, _ in _handlers(name) if k == kind}


def _mode(where: tuple[str, ...]) -> Any:
    return "validation" if where[-1] == "input" else "serialization"


def _shapes(name: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give where in the document each shape stands, and the shape."""
    from cli.processes import PROCESSES
    from workflows.data.announce import CloudEvent

    if name == ANNOUNCEMENT:
        yield ("output",), CloudEvent
        return
    defined = _definition(name)
    entry = next((e for e in PROCESSES if e.name == name), None)
    if defined.arg_types:
        yield ("input",), defined.arg_types[0]
    yield ("result",), defined.ret_type
    for query, q in defined.queries.items():
        if q.arg_types:
            yield ("queries", query, "input"), q.arg_types[0]
        so_far = entry is not None and query == "result_so_far"
        yield ("queries", query, "output"), entry.so_far if entry and so_far else q.ret_type
    for update, u in defined.updates.items():
        yield ("updates", update, "input"), u.arg_types[0]
        yield ("updates", update, "output"), u.ret_type
    for signal, s in defined.signals.items():
        if s.arg_types:
            yield ("signals", signal, "input"), _messages(name).get(signal, s.arg_types[0])


def _messages(name: str) -> dict[str, Any]:
    """Give what signals take that read their message themselves, to refuse it with a reason."""
    from workflows.data.common import Decision
    from workflows.data.events import Event, TopicMessage
    from workflows.data.resources import KeeperMessage

    own: dict[str, dict[str, Any]] = {
        "keeper": {"message": KeeperMessage},
        "topic": {"message": TopicMessage},
    }
    return {"decide": Decision, "event": Event, **own.get(name, {})}


def _handlers(name: str) -> Iterator[tuple[str, str, str]]:
    """Give every message of a workflow: kind, name, and what it is for."""
    if name == ANNOUNCEMENT:
        return
    defined = _definition(name)
    for query, q in defined.queries.items():
        yield "queries", str(query), _first(q.fn.__doc__)
    for update, u in defined.updates.items():
        yield "updates", str(update), _first(u.fn.__doc__)
    for signal, s in defined.signals.items():
        yield "signals", str(signal), _first(s.fn.__doc__)


def _definition(name: str) -> Any:
    from temporalio import workflow

    return workflow._Definition.must_from_class(_deployed()[name])


def _deployed() -> dict[str, type]:
    """Give every workflow by its name."""
    from temporalio import workflow

    from deployed import WORKFLOWS

    return {str(workflow._Definition.must_from_class(w).name): w for w in WORKFLOWS}


def _first(doc: str | None) -> str:
    return " ".join((doc or "").split("\n\n")[0].split())
