"""A case of any process as a case of a blueprint, and what a result says either way."""

from pathlib import Path

from cli.blueprints.checking import sound
from cli.blueprints.making import others
from cli.errors import BadInput
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.recast import recast
from workflows.data.common import JSON, Record

BLUEPRINT = "blueprint"


def case_for(path: Path, given: Record) -> BlueprintCase:
    """Give a blueprint the values of a case: its own, or the fields it has by the same names.

    A field is taken from the top of the case first, then from within. Raises BadInput.
    """
    source, known = sound(path), given.model_dump(mode="json")
    if isinstance(given, BlueprintCase):
        known = {"case": given.case, **given.values}
    try:
        return recast(source.blueprint, others(source), known)
    except ValueError as wrong:
        raise BadInput(f"{path}: {wrong}") from wrong


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
