"""The JSON Schema of blueprints, for editors that complete and check YAML."""

import json

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import TimedeltaSchema

from runtime.settings import ROOT
from workflows.data.blueprints.blueprint import KINDS, Blueprint

FILE = ROOT / "blueprints" / "schema.json"
_TIME = r"^(\d{1,9}([.]\d{1,6})?\s*[smhd]|P.+)$"
_BOUNDS = ("gt", "ge", "le")
"""Of times: no words of JSON Schema."""


class _Schema(GenerateJsonSchema):
    """The schema of what people write: times also as 8s."""

    def timedelta_schema(self, schema: TimedeltaSchema) -> JsonSchemaValue:  # noqa: ARG002
        """A time."""
        return {"type": "string", "pattern": _TIME, "examples": ["8s", "5m", "2h", "3d"]}


def written() -> str:
    """Give the schema as text."""
    found = Blueprint.model_json_schema(by_alias=True, schema_generator=_Schema)
    found["$defs"]["Step"]["oneOf"] = [{"required": [kind]} for kind in KINDS]
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**dialect, **_without(found)}, indent=1, ensure_ascii=False) + "\n"


def _without(part: JsonSchemaValue) -> JsonSchemaValue:
    """Leave out the bounds of times, at every level."""
    return {
        key: _without(inner)
        if isinstance(inner, dict)
        else [_without(i) if isinstance(i, dict) else i for i in inner]
        if isinstance(inner, list)
        else inner
        for key, inner in part.items()
        if key not in _BOUNDS
    }
