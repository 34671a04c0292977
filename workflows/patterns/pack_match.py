"""Matching a pack's answer with what was asked: by id, each item for itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from workflows.data.common import Record
from workflows.data.pack import DroppedItem

I = TypeVar("I", bound=Record)  # noqa: E741 - an item's answer


@dataclass(frozen=True)
class Matched(Generic[I]):
    """Good answers by id, why others are lacking, and what was dropped of what was said."""

    values: dict[str, I]
    lacking: dict[str, str]
    dropped: list[DroppedItem]


def match(said: Sequence[Any], wanted: Sequence[str], each: type[I]) -> Matched[I]:
    """Match what a model said with the ids it was asked about. No order is relied on.

    What is said twice alike counts once; what is said in two ways is lacking.
    """
    by_id: dict[str, list[Any]] = {}
    dropped: list[DroppedItem] = []
    for raw in said:
        found = raw.get("id") if isinstance(raw, dict) else None
        if not isinstance(found, str):
            dropped.append(DroppedItem(id="", why="has no id"))
        elif found not in wanted:
            dropped.append(DroppedItem(id=found[:64], why="nobody asked about it"))
        elif raw in (before := by_id.setdefault(found, [])):
            dropped.append(DroppedItem(id=found, why="said twice"))
        else:
            before.append(raw)
    values: dict[str, I] = {}
    lacking: dict[str, str] = {}
    for name in wanted:
        match by_id.get(name, []):
            case []:
                lacking[name] = "missing"
            case [raw]:
                try:
                    values[name] = each.model_validate(raw)
                except ValidationError as wrong:
                    lacking[name] = f"malformed: {_first(wrong)}"
            case several:
                lacking[name] = f"said in {len(several)} ways"
                dropped += [DroppedItem(id=name, why="said otherwise too")] * len(several)
    return Matched(values, lacking, dropped)


def _first(wrong: ValidationError) -> str:
    """Say where the first mistake stands; no value is quoted."""
    error = wrong.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
