"""The keys that sign webhooks: a file with one `whsec_...` a line, the first is the newest.

Without BRAID_WEBHOOK_KEYS the file is made in the data folder when first needed, readable by its
owner alone; receivers are given its content. A key is rotated by a new first line; the old one
goes when every receiver knows the new.
"""

import base64
import binascii
import os
import secrets
from dataclasses import dataclass, field

from runtime.settings import Settings

BEGIN = "whsec_"


class WebhookKeysError(ValueError):
    """The keys cannot be read; the message says where and how to mend it."""


@dataclass(frozen=True)
class WebhookKeys:
    """The secrets, as bytes."""

    secrets: tuple[bytes, ...] = field(repr=False)

    @staticmethod
    def of(settings: Settings) -> "WebhookKeys":
        """Read the keys, or make the first. Raises WebhookKeysError."""
        path = settings.webhook_keys or settings.data / "webhook-keys"
        if settings.webhook_keys is None and not path.exists():
            made = BEGIN + base64.b64encode(secrets.token_bytes(32)).decode() + "\n"
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                pass  # another worker made it just now
            else:
                with os.fdopen(file, "w") as opened:
                    opened.write(made)
        try:
            lines = [line.strip() for line in path.read_text("ascii").splitlines()]
            found = [base64.b64decode(li.removeprefix(BEGIN), validate=True) for li in lines if li]
        except (OSError, UnicodeDecodeError, binascii.Error) as wrong:
            raise WebhookKeysError(
                f"{path}: no keys of webhooks ({wrong}); write one {BEGIN}BASE64 a line"
            ) from wrong
        if not found or min(map(len, found)) < 24:
            raise WebhookKeysError(f"{path}: a key has at least 24 bytes, written as {BEGIN}BASE64")
        return WebhookKeys(tuple(found))
