"""What a spread counts: its running chunks, how far it has come, and how it ended."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.data.chunk import ChunkLeave, ChunkTally, SpreadSoFar
from workflows.data.spread import LISTED, SpreadProgress, SpreadRef, SpreadResult, Tolerance
from workflows.errors import Misuse
from workflows.patterns.checks import is_number, is_whole, must_be
from workflows.patterns.clock import now

NO_FAILURES = Tolerance(count=0)


def tolerating(*, count: int | None = None, share: float | None = None) -> Tolerance:
    """Tolerate so many failed items, or that share of all (0 to 1); beyond it the spread stops."""
    if (count is None) == (share is None):
        raise Misuse("tolerating(...) takes either count or share")
    if count is not None and (not is_whole(count) or count < 0):
        raise Misuse(f"tolerating(count={count!r}): the count is a whole number, 0 or more")
    if share is not None and not (is_number(share) and 0 <= share <= 1):
        raise Misuse(f"tolerating(share={share!r}): the share goes from 0 to 1")
    return Tolerance(count=count, share=share)


def check_tolerance(name: str, tolerance: Tolerance) -> None:
    """Raise Misuse for a tolerance that bounds nothing, or that nothing keeps."""
    mend = "use tolerating(count=...) or tolerating(share=...)"
    must_be(Tolerance, tolerance, f"spread {name!r}: tolerate", mend)
    count, share = tolerance.count, tolerance.share
    if count is None and share is None:
        raise Misuse(f"spread {name!r}: Tolerance() tolerates every failure; {mend}")
    if (count is not None and count < 0) or (share is not None and not 0 <= share <= 1):
        raise Misuse(f"spread {name!r}: {tolerance!r} can never be kept; {mend}")


@dataclass
class Running:
    """A running chunk: the slots it was given, what it told, and what it was last let hear."""

    number: int
    slots: int
    tally: ChunkTally
    heard: ChunkLeave
    task: asyncio.Task[ChunkTally]
    letting: asyncio.Task[None] | None = None

    @property
    def held(self) -> int:
        """Slots it may still use."""
        return self.slots - self.tally.released

    @property
    def drains(self) -> bool:
        """Whether no item of it waits any more."""
        return self.tally.released > 0

    @property
    def in_flight(self) -> int:
        """Items under way, at most."""
        tally = self.tally
        left = tally.size - tally.already - tally.settled
        return min(self.held, left) if tally.page_read else 0


def added(base: SpreadSoFar, tally: ChunkTally) -> SpreadSoFar:
    """Add a chunk's counts to those of the spread."""
    return base.model_copy(
        update={
            "already": base.already + tally.already,
            "succeeded": base.succeeded + tally.succeeded,
            "failed": base.failed + tally.failed,
            "failed_keys": (*base.failed_keys, *tally.failed_keys)[:LISTED],
        }
    )


def progress_of(seen: SpreadSoFar, total: int | None, running: Sequence[Running]) -> SpreadProgress:
    """Say how far a spread has come, and at this rate, when it will be done."""
    at = now()
    started = seen.started or at
    settled = seen.succeeded + seen.failed
    passed = (at - started).total_seconds()
    rate = settled / passed if passed > 0 else 0.0
    done = settled + seen.already
    return SpreadProgress(
        total=total,
        done=done,
        failed=seen.failed,
        already=seen.already,
        in_flight=sum(c.tally.in_flight if seen.paused else c.in_flight for c in running),
        chunks_running=len(running),
        rate=rate,
        started=started,
        estimated_end=None if seen.paused else _estimate(at, total, done, rate),
        paused=seen.paused,
    )


def result_of(
    ref: SpreadRef, base: SpreadSoFar, total: int | None, *, too_many: bool
) -> SpreadResult:
    """Say how a spread ended."""
    at = now()
    total = max(total or 0, base.seen)
    return SpreadResult(
        ref=ref,
        reason="too_many_failures" if too_many else "complete",
        total=total,
        succeeded=base.succeeded + base.already,
        already=base.already,
        failed=base.failed,
        not_run=total - base.already - base.succeeded - base.failed,
        failed_keys=base.failed_keys,
        chunks=base.chunks,
        started=base.started or at,
        ended=at,
    )


def _estimate(at: datetime, total: int | None, done: int, rate: float) -> datetime | None:
    if total is None or rate <= 0:
        return None
    return at + timedelta(seconds=max(0, total - done) / rate)
