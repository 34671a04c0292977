"""The vendors' own demands on a JSON Schema for structured output."""

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


def _objects(schema: JsonValue | Mapping[str, JsonValue]) -> Iterator[Mapping[str, JsonValue]]:
    if isinstance(schema, list):
        for part in schema:
            yield from _objects(part)
    elif isinstance(schema, Mapping):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from _objects(part)
