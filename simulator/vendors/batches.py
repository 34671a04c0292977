"""Batches of a model vendor: taken, worked through in their own time, and ended; no wire here.

A batch takes minutes at speed 1 and is done item by item. Its answers are those of the vendor's
own API, and are counted as `batched`, at half price, once it has ended.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps
from time import time

from simulator.book import Book
from simulator.chance import digest, log_normal
from simulator.config import FaultKind, SimulatorConfig
from simulator.exchange import Asked, Finish, Reply
from simulator.faults import FaultBoard
from simulator.state import Batched, BatchItem, Cancelled, StateFile

LASTS = (60.0, 300.0)
"""Seconds at speed 1 between which 90 % of the batches last."""
UNDER_WAY = (FaultKind.REFUSAL, FaultKind.TRUNCATED)


@dataclass(frozen=True)
class Outcome:
    """What became of an item: `succeeded` or `errored` with a reply, `expired` or `canceled`."""

    custom_id: str
    kind: str
    reply: Reply | None = None


@dataclass
class Batch:
    """A batch on its way; times are Unix seconds."""

    line: Batched
    cancelled: float | None = None
    settled: list[Outcome] = field(default_factory=list)

    @property
    def ends(self) -> float:
        """When it is over."""
        return self.line.due if self.cancelled is None else min(self.cancelled, self.line.due)

    def done(self, at: float) -> int:
        """Count the items that are done at a time."""
        line, until = self.line, min(at, self.ends)
        if until >= line.due:
            return len(line.items)
        return int(len(line.items) * (until - line.created) / (line.due - line.created))


class BatchHouse:
    """All batches of one vendor. `solo` answers a request as if it had come alone, unbilled."""

    def __init__(
        self,
        vendor: str,
        solo: Callable[[Asked], Reply],
        config: SimulatorConfig,
        book: Book,
        faults: FaultBoard,
        state: StateFile,
    ) -> None:
        self.vendor, self._solo, self._config = vendor, solo, config
        self._book, self._faults, self._state = book, faults, state
        self._batches: dict[str, Batch] = {}

    def take(self, prefix: str, items: Sequence[BatchItem], mark: Mapping[str, str]) -> Batch:
        """Take a batch; what its items meet on the way is drawn now."""
        now, number = time(), len(self._batches)
        identity = prefix + digest(self.vendor, now, number)[:24]
        lasts = log_normal(*LASTS, self._config.seed, "batch", self.vendor, number)
        met = {i.custom_id: f.kind for i in items if (f := self._faults.take_item(self.vendor))}
        line = Batched(
            vendor=self.vendor,
            id=identity,
            items=tuple(items),
            mark=dict(mark),
            met=met,
            created=now,
            due=now + lasts / self._config.speed,
        )
        self._state.append(line)
        self._book.batches[self.vendor] += 1
        self.restore(line)
        return self._batches[line.id]

    def restore(self, line: Batched | Cancelled) -> None:
        """Take up what a state file says of a batch."""
        if isinstance(line, Batched):
            self._batches[line.id] = Batch(line)
        else:
            self._batches[line.batch].cancelled = line.at

    def find(self, identity: str) -> Batch | None:
        """Give a batch by its id."""
        return self._batches.get(identity)

    def newest(self, after: str, limit: int) -> tuple[list[Batch], bool]:
        """List batches, newest first, those older than `after`; say whether there are more."""
        ids = list(reversed(self._batches))
        rest = ids[ids.index(after) + 1 :] if after in ids else ids
        return [self._batches[i] for i in rest[:limit]], len(rest) > limit

    def cancel(self, batch: Batch) -> None:
        """Stop a batch: what is done by now stays."""
        if batch.cancelled is None:
            stopped = Cancelled(vendor=self.vendor, batch=batch.line.id, at=time())
            self._state.append(stopped)
            self.restore(stopped)

    def outcomes(self, batch: Batch) -> list[Outcome]:
        """Give what became of the items of an ended batch, and count what they cost, once."""
        if not batch.settled:
            done = batch.done(batch.ends)
            for place, item in enumerate(batch.line.items):
                batch.settled.append(self._outcome(batch, item, finished=place < done))
            good = sum(outcome.kind == "succeeded" for outcome in batch.settled)
            self._book.batched[self.vendor] += good
        return batch.settled

    def _outcome(self, batch: Batch, item: BatchItem, *, finished: bool) -> Outcome:
        met = batch.line.met.get(item.custom_id)
        if not finished:
            return Outcome(item.custom_id, "canceled")
        if met is FaultKind.EXPIRED:
            return Outcome(item.custom_id, "expired")
        reply = self._solo(
            Asked(
                service=self.vendor,
                method="POST",
                path=item.path,
                headers={"anthropic-version": "2023-06-01"},
                body=dumps(item.body).encode(),
                finish=Finish(met) if met in UNDER_WAY else Finish.NORMAL,
            )
        )
        if met is not None and met not in UNDER_WAY:
            return Outcome(item.custom_id, "errored")
        kind = "succeeded" if reply.status == 200 else "errored"
        return Outcome(item.custom_id, kind, reply)
