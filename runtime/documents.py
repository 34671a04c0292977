"""Large payloads by reference: the SDK's external storage over our blob store.

What an activity is given or answers goes to the store from 32 KiB on. What other services write
and read (inputs, messages, query answers, results) stays inline, up to the size the server would
refuse: such a payload would leave the workflow stuck.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.sdk.v1.external_storage_pb2 import ExternalStorageReference
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    ExternalStorage,
    JSONProtoPayloadConverter,
    SerializationContext,
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

from runtime.conversion import DATA_CONVERTER
from runtime.encryption import Encryption, is_reference
from runtime.opening import found_in, in_words
from store.errors import BlobGone
from workflows.data.documents import LARGE

if TYPE_CHECKING:
    from store.blobs import Blobs
    from store.database import Store

INLINE_LIMIT = 1024 * 1024
"""Bytes from which any payload does: the server refuses 2 MiB, and 4 MiB in one message."""

OPEN = Encryption(None, writes=False)
"""The codec of whoever has no key: says so when it meets something encrypted."""

Opened = Callable[[], "AbstractAsyncContextManager[Blobs]"]
"""Gives the blobs for as long as they are needed."""


class BlobDriver(StorageDriver):
    """Keeps payloads as blobs, named by the sha256 of their bytes as stored.

    The same payload is always the same blob, so a replay writes nothing new.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def name(self) -> str:
        """Name the driver in references; it stands in histories and never changes."""
        return "braid-blobs"

    def type(self) -> str:
        """Name the kind of driver."""
        return "braid.blobs"

    async def store(
        self,
        context: StorageDriverStoreContext,  # noqa: ARG002
        payloads: Sequence[Payload],
    ) -> list[StorageDriverClaim]:
        """Keep payloads."""
        async with self._opened() as blobs:
            keys = [await blobs.put(p.SerializeToString(deterministic=True)) for p in payloads]
        return [StorageDriverClaim({"sha256": key}) for key in keys]

    async def retrieve(
        self,
        context: StorageDriverRetrieveContext,  # noqa: ARG002
        claims: Sequence[StorageDriverClaim],
    ) -> list[Payload]:
        """Read payloads back. Raises BlobGone where one is gone."""
        async with self._opened() as blobs:
            kept = [await blobs.get(claim.claim_data.get("sha256", "")) for claim in claims]
        return [Payload.FromString(content) for content in kept]


class _Converter(DataConverter):
    """Is made twice instead of for each payload: what it does depends only on whether an activity
    is meant, and the driver asks for no target. The SDK's own copies took 7 % of a worker's time in
    a case of a thousand activities.
    """

    @cached_property
    def _by_activity(self) -> Mapping[bool, "_Converter"]:
        return {True: self._from(LARGE), False: self._from(INLINE_LIMIT)}

    def _from(self, threshold: int) -> "_Converter":
        """Give one that keeps payloads of so many bytes and more by reference."""
        assert self.external_storage is not None  # noqa: S101 - made below
        storage = replace(self.external_storage, payload_size_threshold=threshold)
        return replace(self, external_storage=storage)

    def with_context(self, context: SerializationContext) -> "_Converter":
        """Choose the one for whom a payload is meant for."""
        return self._by_activity[isinstance(context, ActivitySerializationContext)]

    def _with_store_context(self, _context: StorageDriverStoreContext) -> "_Converter":
        return self


def converter(opened: Opened, codec: Encryption | None = None) -> DataConverter:
    """Give the converter of a client and its workers whose large payloads go by reference.

    With a `codec` that writes, payloads and what failures say are encrypted.
    """
    found = _Converter(
        payload_converter_class=DATA_CONVERTER.payload_converter_class,
        failure_converter_class=DATA_CONVERTER.failure_converter_class,
        external_storage=ExternalStorage([BlobDriver(opened)], payload_size_threshold=INLINE_LIMIT),
        payload_codec=codec or OPEN,
    )
    if codec is None or not codec.writes:
        return found
    return replace(found, failure_converter_class=DefaultFailureConverterWithEncodedAttributes)


def kept_in(store: "Store") -> Opened:
    """Use an open store: in a worker."""
    from store.blobs import Blobs

    @asynccontextmanager
    async def opened() -> "AsyncIterator[Blobs]":
        yield Blobs(store)

    return opened


def kept_at(database: str) -> Opened:
    """Open the store of this address for each use: in the command line, which seldom has one."""

    @asynccontextmanager
    async def opened() -> "AsyncIterator[Blobs]":
        from store.blobs import Blobs
        from store.database import Store

        async with Store.opened(database) as store:
            yield Blobs(store)

    return opened


async def resolved(payloads: Sequence[Payload], driver: BlobDriver) -> list[Payload]:
    """Give each payload itself, a reference's from the store."""
    found = list(payloads)
    for place, payload in enumerate(payloads):
        if is_reference(payload):
            told = JSONProtoPayloadConverter().from_payload(payload, ExternalStorageReference)
            claim = StorageDriverClaim(dict(told.claim_data))
            [found[place]] = await driver.retrieve(StorageDriverRetrieveContext(), [claim])
    return found


async def readable(
    events: Iterable[HistoryEvent], converter: DataConverter
) -> tuple[HistoryEvent, ...]:
    """Copy events with their payloads decoded and read from the store, where they are there."""
    copies = []
    for event in events:
        copy = HistoryEvent.FromString(event.SerializeToString())
        for payload in found_in(copy, Payload):
            with suppress(BlobGone):  # the blob is gone, or on another machine
                payload.CopyFrom(await _opened(payload, converter))
        in_words(copy)
        copies.append(copy)
    return tuple(copies)


def clear(content: bytes, codec: Encryption) -> bytes:
    """Decrypt a blob that holds an encrypted payload; any other is given back as it is."""
    try:
        return codec.opened(Payload.FromString(content)).SerializeToString()
    except DecodeError:  # a document
        return content


async def _opened(payload: Payload, converter: DataConverter) -> Payload:
    storage = converter.external_storage
    for driver in storage.drivers if storage is not None else ():
        if isinstance(driver, BlobDriver):
            [payload] = await resolved([payload], driver)
    if converter.payload_codec is not None:
        [payload] = await converter.payload_codec.decode([payload])
    return payload
