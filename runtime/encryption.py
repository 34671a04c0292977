"""The payload codec: what Temporal keeps of a case is encrypted; clear input is accepted.

A sealed payload has the encoding `binary/encrypted` and names its key, as Temporal's own examples
have it. Large ones go to the store, so their nonce is derived from the content: otherwise each
replay would write another blob.
"""

import asyncio
from collections.abc import Callable, Sequence

from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1.external_storage_pb2 import ExternalStorageReference
from temporalio.converter import PayloadCodec

from runtime.keys import KeyRing, MissingKey, NotOurs, ring_of
from runtime.settings import Settings, SettingsError
from workflows.data.documents import LARGE

ENCODING = b"binary/encrypted"
SPOILT = b"binary/spoilt"
"""Encoding of a payload that was sealed with a key we have, and cannot be opened with it."""
KEY_ID = "encryption-key-id"
REFERENCE = ExternalStorageReference.DESCRIPTOR.full_name.encode()
"""Message type of a payload that only names one in the store."""
REPEATABLE = LARGE // 2
"""Bytes from which the nonce is derived: well below what goes to the store."""
SLOW = 256 * 1024
"""Bytes from which sealing leaves the event loop."""


class Encryption(PayloadCodec):
    """Opens sealed payloads and, if it `writes`, seals all others but references."""

    def __init__(self, ring: KeyRing | None, *, writes: bool) -> None:
        self.ring, self.writes = ring, writes and ring is not None

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal payloads with the current key; what is sealed already stays as it is."""
        return [await _aside(self.sealed, p, len(p.data)) for p in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open sealed payloads; clear ones pass. Raises MissingKey.

        One that was changed becomes a payload no record can be read from: whoever sent it is
        refused, where an error here would keep its workflow from ever going on.
        """
        return [await _aside(self.opened, p, len(p.data)) for p in payloads]

    def sealed(self, payload: Payload) -> Payload:
        """Seal one payload."""
        passes = payload.metadata.get("encoding") == ENCODING or is_reference(payload)
        if self.ring is None or not self.writes or passes:
            return payload
        key = self.ring.current
        content = payload.SerializeToString(deterministic=True)
        data = key.seal(content, repeatable=len(content) >= REPEATABLE)
        return Payload(metadata={"encoding": ENCODING, KEY_ID: key.id.encode()}, data=data)

    def opened(self, payload: Payload) -> Payload:
        """Open one payload. Raises MissingKey."""
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        name = payload.metadata.get(KEY_ID, b"").decode(errors="replace")
        if self.ring is None:
            raise MissingKey(
                f"what was encrypted with key {name!r} cannot be read: there is no key ring here;"
                " name its file with BRAID_KEYS_FILE"
            )
        try:
            return Payload.FromString(self.ring.key(name).open(payload.data))
        except NotOurs:
            return Payload(metadata={"encoding": SPOILT}, data=payload.data)


async def _aside(work: Callable[[Payload], Payload], payload: Payload, size: int) -> Payload:
    return work(payload) if size < SLOW else await asyncio.to_thread(work, payload)


def is_reference(payload: Payload) -> bool:
    """Say whether a payload only names one that lies in the store."""
    return payload.metadata.get("messageType") == REFERENCE


def codec_for(settings: Settings, *, embedded: bool) -> Encryption:
    """Choose the codec for a Temporal service: `embedded` is our own stack on this machine.

    Any other gets nothing in clear, unless the settings say so. Raises SettingsError without a key.
    """
    ring = ring_of(settings)
    wanted = settings.encryption == "on" or (not settings.encryption and not embedded)
    if wanted and ring is None:
        raise SettingsError(
            f"what goes to this Temporal service is encrypted, and there is no key: make one with"
            f" `starter.py keys new` ({settings.keys_file}) and give it to every worker and"
            " command; or send clear text with BRAID_ENCRYPTION=off"
        )
    return Encryption(ring, writes=wanted)
