"""Records to plain JSON and back, with input that does not fit refused instead of retried."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import signature
from itertools import zip_longest
from typing import Any

from pydantic import BaseModel, ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter, pydantic_data_converter
from temporalio.converter import (
    CompositePayloadConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    PayloadConverter,
)
from temporalio.exceptions import ApplicationError

INVALID = "InvalidInput"
"""Type of the error that says what does not fit."""
MISSING = "Unread"
"""Type of the error that says a key, or what is referred to, is missing."""
LONGEST = 2_000
"""Characters of what is said about it: a field's name can be as long as the input."""
_UNKNOWN = "expected but not found"  # the SDK's words for a query or update there is not


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
            raise invalid(said) from None


def invalid(said: str) -> ApplicationError:
    """Make the error of input that does not fit, which is never tried again."""
    return ApplicationError(one_line(said), type=INVALID, non_retryable=True)


def one_line(said: str) -> str:
    """Keep what is said to one line of bounded length: some of it is what was sent."""
    return " ".join(said[:LONGEST].split())


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(p) for p in parts) or "input"


class _Refused(EncodingPayloadConverter):
    """Refuses payloads of an encoding that only says what is wrong with them."""

    def __init__(self, encoding: str, why: str) -> None:
        self._encoding, self._why = encoding, why

    @property
    def encoding(self) -> str:
        """The encoding such payloads are given."""
        return self._encoding

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ARG002
        """Leave every value to the others."""
        return None

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:  # noqa: ARG002
        """Refuse."""
        raise invalid(self._why)


UNOPENED = "binary/unopened"
"""Encoding of a payload in whose place a worker found one it cannot read."""
_MISSING = "its key, or what it refers to, is not here"


class _Unopened(_Refused):
    """Refuses what something is missing for, which may be here when it is tried again."""

    def from_payload(self, payload: Payload, type_hint: type[Any] | None = None) -> Any:  # noqa: ARG002
        """Refuse."""
        raise ApplicationError(self._why, type=MISSING)


_SPOILT = "encrypted content was changed on its way, or sealed by a key that only has our name"
_MISCOUNTED = "binary/miscounted"


def count(inputs: Any, run: Callable[..., Any]) -> None:
    """Make inputs as many as the `run` of a workflow takes, so that wrong ones are looked at.

    Were they too few or too many, none can be read. The SDK would call the workflow with them,
    which leaves it stuck. `inputs` is a field of a protobuf message.
    """
    takes = signature(run)
    try:
        takes.bind(None, *inputs)
    except TypeError:
        del inputs[:]
        miscounted = Payload(metadata={"encoding": _MISCOUNTED.encode()})
        inputs.extend([miscounted] * (len(takes.parameters) - 1))


class RecordConverter(CompositePayloadConverter):
    """The SDK's converters, with ours for JSON."""

    def __init__(self) -> None:
        others = DefaultPayloadConverter.default_encoding_payload_converters
        ours = (_Records() if c.encoding == "json/plain" else c for c in others)
        miscounted = _Refused(_MISCOUNTED, "too few inputs, or too many; send one")
        unopened = _Unopened(UNOPENED, _MISSING)
        super().__init__(*ours, _Refused("binary/spoilt", _SPOILT), miscounted, unopened)

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type[Any]] | None = None
    ) -> list[Any]:
        """Decode payloads. What nothing here can read, or is no JSON where a record must be, is
        refused as well: the other converters give whatever came, whatever was asked for.
        """
        try:
            values = super().from_payloads(payloads, type_hints)
        except (KeyError, RuntimeError, ValueError):
            raise invalid("a payload cannot be read; send JSON, as json/plain") from None
        for value, hint in zip_longest(values, type_hints or ()):
            if _is_record(hint) and not isinstance(value, hint):
                raise invalid(f"{hint.__name__} is expected; send it as JSON, as json/plain")
        return values


def _is_record(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


class Failures(DefaultFailureConverter):
    """The SDK's failures; one that refuses what was sent tells no stranger of our code."""

    def to_failure(
        self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure
    ) -> None:
        """Write an error down, a refusal without its stack trace."""
        super().to_failure(exception, payload_converter, failure)
        refusals = (INVALID, MISSING, "Refused")
        if getattr(exception, "type", "") in refusals or _UNKNOWN in str(exception):
            failure.ClearField("cause")
            failure.stack_trace = ""
            failure.message = one_line(failure.message)


DATA_CONVERTER = replace(
    pydantic_data_converter,
    payload_converter_class=RecordConverter,
    failure_converter_class=Failures,
)
"""The one converter of every client, worker and replayer."""
