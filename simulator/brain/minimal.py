"""A smallest value that fits a simple JSON Schema, for questions without rules."""

from collections.abc import Mapping

from pydantic import JsonValue

Schema = Mapping[str, JsonValue]

_DEFAULTS: dict[str, JsonValue] = {
    "string": "",
    "boolean": False,
    "null": None,
}
_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "email": "nobody@nowhere.example",
    "uri": "https://nowhere.example",
}


def minimal(schema: Schema) -> JsonValue:
    """Build a smallest value for a schema of the kinds pydantic writes.

    Knows $ref into $defs, const, enum, anyOf/oneOf/allOf, types, required, minItems,
    minLength, minimum/exclusiveMinimum and common formats; a pattern is not looked at.
    """
    definitions = schema.get("$defs")
    return _value(schema, definitions if isinstance(definitions, dict) else {}, depth=0)


def _value(schema: Schema, definitions: Schema, depth: int) -> JsonValue:
    if depth > 30:  # a schema that needs itself has no finite value
        return None
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target = definitions.get(reference.rpartition("/")[2])
        return _value(target if isinstance(target, dict) else {}, definitions, depth + 1)
    if "const" in schema:
        return schema["const"]
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return options[0]
    for word in ("anyOf", "oneOf", "allOf"):
        choices = schema.get(word)
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            return _value(choices[0], definitions, depth + 1)
    return _by_type(schema, definitions, depth)


def _by_type(schema: Schema, definitions: Schema, depth: int) -> JsonValue:
    kind = schema.get("type", "object" if "properties" in schema else "null")
    if isinstance(kind, list):
        kind = kind[0] if kind else "null"
    if kind == "object":
        return _object(schema, definitions, depth)
    if kind == "array":
        items = schema.get("items")
        inner = items if isinstance(items, dict) else {}
        return [_value(inner, definitions, depth + 1) for _ in range(_whole(schema, "minItems"))]
    if kind in ("integer", "number"):
        return _number(schema)
    if kind == "string":
        form = _FORMATS.get(str(schema.get("format", "")), "")
        return form or "x" * _whole(schema, "minLength")
    return _DEFAULTS.get(str(kind))


def _object(schema: Schema, definitions: Schema, depth: int) -> JsonValue:
    required, properties = schema.get("required"), schema.get("properties")
    names = required if isinstance(required, list) else []
    inner = properties if isinstance(properties, dict) else {}
    built: dict[str, JsonValue] = {}
    for name in map(str, names):
        part = inner.get(name)
        built[name] = _value(part if isinstance(part, dict) else {}, definitions, depth + 1)
    return built


def _number(schema: Schema) -> int | float:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    if isinstance(low, (int, float)):
        return low
    return int(above) + 1 if isinstance(above, (int, float)) else 0


def _whole(schema: Schema, word: str) -> int:
    value = schema.get(word)
    return value if isinstance(value, int) else 0
