"""JSON dialects of Temporal histories, turned into the SDK's own event messages.

Command line, web UI and SDKs write the same history differently: enums as `TimerFired` or
`EVENT_TYPE_TIMER_FIRED`, payloads as base64, as decoded values or as bare values, events with
decorations. The message descriptors say what was meant, so one walk over them reads every
dialect. What cannot be understood is left out: an explanation with a hole beats none.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

_LITERAL = re.compile(r"^(json|binary)/")
"""An encoding's name in clear. In base64 it would begin with `anNvbi` or `YmluYXJ5`."""

_FAR = 7_258_118_400
"""Seconds since 1970 of the year 2200; a later event is a slip, and dates end in 9999."""

_KINDS = {
    name.removeprefix("EVENT_TYPE_").lower() + "_event_attributes": number
    for name, number in EventType.items()
}
"""The type of an event by the field of what is particular to it, for events that do not say."""


def event_from_json(given: Mapping[str, object]) -> HistoryEvent:
    """Read one event of any dialect. Parts that do not fit are left out, never raised."""
    event = HistoryEvent()
    _fill(event, given)
    decorated = given.get("attributes")
    if event.WhichOneof("attributes") is None and isinstance(decorated, Mapping):
        _fill(event, {str(decorated.get("type")): decorated})
    if not 0 <= event.event_time.seconds < _FAR:
        event.ClearField("event_time")
    if not event.event_type and (group := event.WhichOneof("attributes")):
        event.event_type = _KINDS[group]
    return event


def _fill(message: Message, given: Mapping[str, object]) -> None:
    fields = _fields(message.DESCRIPTOR)
    for key, value in given.items():
        field = fields.get(key)
        if field is not None and value is not None:
            with suppress(ValueError, TypeError, OverflowError, ParseError, RecursionError):
                _set(message, field, value)


@cache
def _fields(kind: Descriptor) -> dict[str, FieldDescriptor]:
    names = {field.name: field for field in kind.fields}
    return names | dict(kind.fields_by_camelcase_name)


def _set(message: Message, field: FieldDescriptor, value: object) -> None:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        _set_map(getattr(message, field.name), inner.fields_by_name["value"], value)
    elif field.is_repeated:
        for item in value if isinstance(value, list) else ():
            if inner is not None:
                _fill_value(getattr(message, field.name).add(), item)
            else:
                getattr(message, field.name).append(_scalar(field, item))
    elif inner is not None:
        part: Message = getattr(message, field.name)
        part.SetInParent()
        _fill_value(part, value)
    else:
        setattr(message, field.name, _scalar(field, value))


def _set_map(target: Any, field: FieldDescriptor, value: object) -> None:
    for key, item in value.items() if isinstance(value, Mapping) else ():
        if field.message_type is not None:
            _fill_value(target[key], item)
        else:
            target[key] = _scalar(field, item)


def _fill_value(part: Message, value: object) -> None:
    if isinstance(part, Payload):
        _fill_payload(part, value)
    elif isinstance(part, Payloads):
        items = value.get("payloads") if isinstance(value, Mapping) else value
        for item in items if isinstance(items, list) else ():
            _fill_payload(part.payloads.add(), item)
    elif part.DESCRIPTOR.full_name.startswith("google.protobuf."):
        known: Any = value
        ParseDict(known, part)
    elif isinstance(value, Mapping):
        _fill(part, value)


def _fill_payload(payload: Payload, value: object) -> None:
    metadata = value.get("metadata") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(metadata, Mapping):
        _set_json(payload, value)
        return
    for key, raw in metadata.items():
        clear = isinstance(raw, str) and (_LITERAL.match(raw) or _base64(raw) is None)
        payload.metadata[str(key)] = str(raw).encode() if clear else _base64(raw) or b""
    if "data" not in value:
        return
    encoding, data = payload.metadata.get("encoding", b""), _base64(value["data"])
    in_clear = _LITERAL.match(str(metadata.get("encoding")))
    if data is not None and not in_clear and (not encoding.startswith(b"json/") or _is_json(data)):
        payload.data = data
    elif encoding.startswith(b"json/"):
        payload.data = _json(value["data"])


def _set_json(payload: Payload, value: object) -> None:
    payload.metadata["encoding"] = b"json/plain" if value is not None else b"binary/null"
    if value is not None:
        payload.data = _json(value)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _base64(value: object) -> bytes | None:
    """Decode base64, or None where the text is something else."""
    if not isinstance(value, str):
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None


def _scalar(field: FieldDescriptor, value: object) -> object:
    if field.enum_type is not None:
        return value if isinstance(value, int) else _enum(field.enum_type)[_folded(str(value))]
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return (_base64(value) or b"") if field.type == FieldDescriptor.TYPE_BYTES else value
    if field.cpp_type in (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT):
        return float(str(value))
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, bool | int) else int(str(value))


@cache
def _enum(kind: EnumDescriptor) -> "_Names":
    prefix = kind.values_by_number[0].name.removesuffix("UNSPECIFIED")
    full = {_folded(value.name): value.number for value in kind.values}
    short = {_folded(value.name.removeprefix(prefix)): value.number for value in kind.values}
    return _Names(short | full)


class _Names(dict[str, int]):
    """Folded enum names; an unknown name counts as unspecified."""

    def __missing__(self, key: str) -> int:
        return 0


def _folded(name: str) -> str:
    return name.replace("_", "").lower()
