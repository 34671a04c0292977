"""Records to plain JSON and back, with input that does not fit refused instead of retried."""

from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter, pydantic_data_converter
from temporalio.converter import (
    CompositePayloadConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
)
from temporalio.exceptions import ApplicationError


class _Records(PydanticJSONPlainPayloadConverter):
    """Raises an ApplicationError where a payload does not fit its record.

    Any other error while decoding the input of a workflow would leave the workflow stuck,
    retrying its first task for ever.
    """

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:
        """Decode JSON into the record asked for."""
        try:
            return super().from_payload(payload, type_hint)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            said = "; ".join(f"{_place(e['loc'])}: {e['msg']}" for e in found[:10])
            raise ApplicationError(said, type="InvalidInput", non_retryable=True) from None


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(p) for p in parts) or "input"


class _Spoilt(EncodingPayloadConverter):
    """Refuses what was encrypted and then changed."""

    @property
    def encoding(self) -> str:
        """The encoding the codec gives such payloads."""
        return "binary/spoilt"

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ARG002
        """Leave every value to the others."""
        return None

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:  # noqa: ARG002
        """Refuse."""
        said = "encrypted content was changed on its way, or sealed by a key that only has our name"
        raise ApplicationError(said, type="InvalidInput", non_retryable=True)


class RecordConverter(CompositePayloadConverter):
    """The SDK's converters, with ours for JSON."""

    def __init__(self) -> None:
        others = DefaultPayloadConverter.default_encoding_payload_converters
        ours = (_Records() if c.encoding == "json/plain" else c for c in others)
        super().__init__(*ours, _Spoilt())


DATA_CONVERTER = replace(pydantic_data_converter, payload_converter_class=RecordConverter)
"""The one converter of every client, worker and replayer."""
