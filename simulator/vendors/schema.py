"""The vendors' own demands on a JSON Schema for structured output, and schemas inside prompts."""

import json
from collections.abc import Iterator, Mapping

from pydantic import JsonValue


def open_object(schema: Mapping[str, JsonValue]) -> bool:
    """Say whether any object in the schema lets in unnamed properties."""
    return any(o.get("additionalProperties") is not False for o in _objects(schema))


def optional_properties(schema: Mapping[str, JsonValue]) -> list[str]:
    """List the properties that are not required, which OpenAI's strict mode refuses."""
    missing: list[str] = []
    for found in _objects(schema):
        properties, required = found.get("properties"), found.get("required")
        needed = required if isinstance(required, list) else []
        named = properties if isinstance(properties, dict) else {}
        missing += [name for name in named if name not in needed]
    return missing


def schema_in(text: str) -> dict[str, JsonValue] | None:
    """Find the first JSON Schema of an object that is written in a text."""
    decoder, start = json.JSONDecoder(), text.find("{")
    while start >= 0:
        try:
            found, _ = decoder.raw_decode(text, start)
        except ValueError:
            found = None
        if isinstance(found, dict) and isinstance(found.get("properties"), dict):
            return found
        start = text.find("{", start + 1)
    return None


def _objects(schema: JsonValue | Mapping[str, JsonValue]) -> Iterator[Mapping[str, JsonValue]]:
    if isinstance(schema, list):
        for part in schema:
            yield from _objects(part)
    elif isinstance(schema, Mapping):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from _objects(part)
