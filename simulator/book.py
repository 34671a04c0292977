"""The simulator's book: what was asked, billed and done; read by tests and the demo."""

from collections import Counter
from dataclasses import asdict, dataclass, field


@dataclass
class Traffic:
    """What one model, or one service without models, let in and sent out.

    `limited` were refused by a limit; `first` and `last` are when requests were let in, in
    seconds since the start; `most_at_once` counts requests from their coming until the end of
    their answer.
    """

    accepted: int = 0
    limited: int = 0
    bytes_out: int = 0
    first: float | None = None
    last: float | None = None
    most_at_once: int = 0

    def let_in(self, at: float, inside: int) -> None:
        """Note a request that was let in beside others; `inside` counts it too."""
        self.accepted += 1
        self.first = at if self.first is None else self.first
        self.last = at
        self.most_at_once = max(self.most_at_once, inside)


@dataclass
class Book:
    """Counts since the start of this process; effects are also kept in the state file.

    `billed` per vendor, `requests` per service (also those refused), `asked` per idempotency
    key, `performed` per `case/action`, `batches` taken and requests `batched` (half price) per
    vendor, `traffic` per service and model. `held` is how each payment,
    reservation and label stands, by service.
    """

    billed: Counter[str] = field(default_factory=Counter)
    batches: Counter[str] = field(default_factory=Counter)
    batched: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    performed: Counter[str] = field(default_factory=Counter)
    mails: list[dict[str, object]] = field(default_factory=list)
    chats: int = 0
    held: dict[str, dict[str, str]] = field(default_factory=dict)
    _traffic: dict[tuple[str, str], Traffic] = field(default_factory=dict)

    def traffic(self, service: str, model: str) -> Traffic:
        """Give the page of a service's model, to be read or written on."""
        return self._traffic.setdefault((service, model), Traffic())

    def shown(self) -> dict[str, object]:
        """Give the book as `GET /_simulator/book` shows it."""
        traffic: dict[str, dict[str, object]] = {}
        for (service, model), page in self._traffic.items():
            traffic.setdefault(service, {})[model] = asdict(page)
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
            "held": self.held,
            "traffic": traffic,
        }
