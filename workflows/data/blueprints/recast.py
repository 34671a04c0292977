"""A case of any process as a case of a blueprint: its values are what the case calls alike."""

from collections.abc import Iterator, Mapping

from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.common import JSON


def recast(
    blueprint: Blueprint, others: Mapping[str, Blueprint], known: Mapping[str, JSON]
) -> BlueprintCase:
    """Give a blueprint the fields a case has by the same names, nearest to the top first.

    Raises ValueError for a field that is missing.
    """
    found = {name: next(named(known, name), None) for name in blueprint.input}
    values = {name: value for name, value in found.items() if value is not None}
    missing = [n for n, kind in blueprint.input.items() if n not in values and kind[-1] != "?"]
    if missing:
        raise ValueError(
            f"the case {known['case']} has no {', '.join(missing)}, which the blueprint"
            f" {blueprint.name} takes; name its input as the case does, or end the type with ?"
        )
    given = {"case": known["case"], "values": values}
    return BlueprintCase.model_validate({**given, "blueprint": blueprint, "others": others})


def named(known: Mapping[str, JSON], name: str) -> Iterator[JSON]:
    """Give what is called so, nearest to the top first."""
    level: list[Mapping[str, JSON]] = [known]
    while level:
        yield from (fields[name] for fields in level if name in fields)
        inner = (value for fields in level for value in fields.values())
        level = [value for value in inner if isinstance(value, dict)]
