"""A value that fits a simple JSON Schema, for questions without rules: the smallest one, unless a
filler says more.
"""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

Schema = Mapping[str, JsonValue]

_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "email": "nobody@nowhere.example",
    "uri": "https://nowhere.example",
}


class Filler:
    """What to say where a schema leaves it open; this one says the least. `name` is the field's."""

    def text(self, name: str) -> str:  # noqa: ARG002
        """Give a text."""
        return ""

    def share(self, name: str) -> float | None:  # noqa: ARG002
        """Give a number from 0 to 1 if the field is one, as a confidence is."""
        return None

    def number(self, name: str) -> float | None:  # noqa: ARG002
        """Give the number that stands under this name; None for the smallest one there may be."""
        return None

    def truth(self, name: str) -> bool:  # noqa: ARG002
        """Say whether it is so."""
        return False

    def choice(self, name: str, options: Sequence[JsonValue]) -> JsonValue:  # noqa: ARG002
        """Choose one of the values a field may have."""
        return options[0]

    def parts(self, name: str) -> "Sequence[Filler] | None":  # noqa: ARG002
        """Give what fills each element of a list; None leaves it as short as may be."""
        return None


def minimal(schema: Schema, filler: Filler | None = None) -> JsonValue:
    """Build a value for a schema of the kinds pydantic writes.

    Knows $ref into $defs, const, enum, anyOf/oneOf/allOf, types, required, minItems, minLength,
    maxLength, minimum/exclusiveMinimum and common formats; a pattern is not looked at.
    """
    definitions = schema.get("$defs")
    found = definitions if isinstance(definitions, dict) else {}
    return _Builder(found, filler or Filler()).value(schema, "", depth=0)


class _Builder:
    """Builds values with one filler; `definitions` are those of the whole schema."""

    def __init__(self, definitions: Schema, filler: Filler) -> None:
        self._definitions, self._filler = definitions, filler

    def value(self, schema: Schema, name: str, depth: int) -> JsonValue:
        """Build the value of the field `name`."""
        if depth > 30:  # a schema that needs itself has no finite value
            return None
        reference = schema.get("$ref")
        if isinstance(reference, str):
            target = self._definitions.get(reference.rpartition("/")[2])
            return self.value(target if isinstance(target, dict) else {}, name, depth + 1)
        if "const" in schema:
            return schema["const"]
        options = schema.get("enum")
        if isinstance(options, list) and options:
            return self._filler.choice(name, options)
        for word in ("anyOf", "oneOf", "allOf"):
            choices = schema.get(word)
            if isinstance(choices, list) and choices and isinstance(choices[0], dict):
                return self.value(choices[0], name, depth + 1)
        return self._by_type(schema, name, depth)

    def _by_type(self, schema: Schema, name: str, depth: int) -> JsonValue:
        kind = schema.get("type", "object" if "properties" in schema else "null")
        if isinstance(kind, list):
            kind = kind[0] if kind else "null"
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer" | "number":
                share = self._filler.share(name) if kind == "number" else None
                told = self._filler.number(name) if share is None else share
                told = int(told) if told is not None and kind == "integer" else told
                return _smallest(schema) if told is None else told
            case "string":
                return self._string(schema, name)
            case _:
                return self._filler.truth(name) if kind == "boolean" else None

    def _object(self, schema: Schema, depth: int) -> JsonValue:
        required, properties = schema.get("required"), schema.get("properties")
        names = required if isinstance(required, list) else []
        inner = properties if isinstance(properties, dict) else {}
        built: dict[str, JsonValue] = {}
        for name in map(str, names):
            part = inner.get(name)
            built[name] = self.value(part if isinstance(part, dict) else {}, name, depth + 1)
        return built

    def _array(self, schema: Schema, name: str, depth: int) -> JsonValue:
        items = schema.get("items")
        inner = items if isinstance(items, dict) else {}
        parts = self._filler.parts(name)
        if parts is not None:
            builders = [_Builder(self._definitions, part) for part in parts]
            return [builder.value(inner, name, depth + 1) for builder in builders]
        return [self.value(inner, name, depth + 1) for _ in range(_whole(schema, "minItems", 0))]

    def _string(self, schema: Schema, name: str) -> str:
        if form := _FORMATS.get(str(schema.get("format", "")), ""):
            return form
        least = _whole(schema, "minLength", 0)
        if "pattern" in schema:
            return "x" * least
        text = self._filler.text(name)
        return text[: _whole(schema, "maxLength", len(text))].ljust(least, "x")


def _smallest(schema: Schema) -> int | float:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    if isinstance(low, (int, float)):
        return low
    return int(above) + 1 if isinstance(above, (int, float)) else 0


def _whole(schema: Schema, word: str, default: int) -> int:
    value = schema.get(word)
    return value if isinstance(value, int) else default
