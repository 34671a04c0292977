"""JSON Schemas of answer records, as the vendors' structured output takes them."""

from collections.abc import Mapping
from typing import Any

from workflows.data.common import Record

Schema = dict[str, Any]

NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
LENGTHS = ("minLength", "maxLength", "pattern", "minItems", "maxItems")


def strict_schema(record: type[Record]) -> Schema:
    """Give the schema of `record` with every field required and no other allowed.

    Its `title` is the record's name. Defaults go: in strict mode a model must say everything.
    """
    schema: Schema = _strict(record.model_json_schema())
    return schema


def without(schema: Schema, keywords: tuple[str, ...]) -> Schema:
    """Drop keywords a vendor refuses, saying them in the description instead."""
    dropped: Schema = _without(schema, keywords)
    return dropped


def _strict(node: Any, *, names: bool = False) -> Any:
    """Make one node strict; `names` marks a mapping whose keys are names, not keywords."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {key: _strict(value) for key, value in node.items()}
    if "$ref" in node:
        return {"$ref": node["$ref"]}
    kept = {
        key: _strict(value, names=key in ("properties", "$defs"))
        for key, value in node.items()
        if key != "default"
    }
    if node.get("type") == "object" and "properties" in node:
        kept |= {"additionalProperties": False, "required": list(node["properties"])}
    return kept


def _without(node: Any, keywords: tuple[str, ...], *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_without(item, keywords) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _without(value, keywords, names=key in ("properties", "$defs"))
        for key, value in node.items()
        if names or key not in keywords
    }
    said = {key: node[key] for key in keywords if key in node and not names}
    if said:
        kept["description"] = _described(node, said)
    return kept


def _described(node: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    limits = ", ".join(f"{key} {value}" for key, value in said.items())
    before = node.get("description")
    return f"{before} ({limits})" if before else limits
