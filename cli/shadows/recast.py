"""A case of any process as a case of a blueprint, and what a result says either way."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.blueprints.checking import sound
from cli.blueprints.making import others
from cli.errors import BadInput
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.common import JSON, Record

BLUEPRINT = "blueprint"


def case_for(path: Path, given: Record) -> BlueprintCase:
    """Give a blueprint the values of a case: its own, or the fields it has by the same names.

    A field is taken from the top of the case first, then from within. Raises BadInput.
    """
    source = sound(path)
    blueprint, known = source.blueprint, given.model_dump(mode="json")
    if isinstance(given, BlueprintCase):
        values = dict(given.values)
    else:
        found = {name: next(named(known, name), None) for name in blueprint.input}
        values = {name: value for name, value in found.items() if value is not None}
    missing = [n for n, kind in blueprint.input.items() if n not in values and kind[-1] != "?"]
    if missing:
        raise BadInput(
            f"{path}: the case {known['case']} has no {', '.join(missing)}, which the blueprint"
            " takes; name its input as the case does, or end the type with ?"
        )
    return BlueprintCase(
        case=known["case"], blueprint=blueprint, values=values, others=others(source)
    )


def named(known: Mapping[str, JSON], name: str) -> Iterator[JSON]:
    """Give what is called so, nearest to the top first."""
    level: list[Mapping[str, JSON]] = [known]
    while level:
        yield from (fields[name] for fields in level if name in fields)
        inner = (value for fields in level for value in fields.values())
        level = [value for value in inner if isinstance(value, dict)]


def at(result: JSON, path: str) -> JSON:
    """Give what stands at a path of a result, as `pieces.0.text`; None if nothing does."""
    for part in path.split("."):
        if isinstance(result, dict):
            result = result.get(part)
        elif isinstance(result, list) and part.isdigit() and int(part) < len(result):
            result = result[int(part)]
        else:
            return None
    return result


def told(result: JSON) -> JSON:
    """Give what a case came to; of a blueprint's case, what the blueprint says its result is."""
    if isinstance(result, dict) and {"blueprint", "sha256", "result"} <= result.keys():
        return result["result"]
    return result
