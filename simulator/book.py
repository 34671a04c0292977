"""The simulator's book: what was asked, billed and done; read by tests and the demo."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Book:
    """Counts since the start of this process; effects are also kept in the state file.

    `billed` per vendor, `requests` per service (also those refused), `asked` per idempotency
    key, `performed` per `case/action`, `batches` taken and requests `batched` (half price) per
    vendor.
    """

    billed: Counter[str] = field(default_factory=Counter)
    batches: Counter[str] = field(default_factory=Counter)
    batched: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    performed: Counter[str] = field(default_factory=Counter)
    mails: list[dict[str, object]] = field(default_factory=list)
    chats: int = 0

    def shown(self) -> dict[str, object]:
        """Give the book as `GET /_simulator/book` shows it."""
        return {
            "billed": dict(self.billed),
            "batches": dict(self.batches),
            "batched": dict(self.batched),
            "requests": dict(self.requests),
            "effects": {
                "total": self.performed.total(),
                "by_key": dict(self.asked),
                "by_action": dict(self.performed),
            },
            "mails": self.mails,
            "chats": self.chats,
        }
