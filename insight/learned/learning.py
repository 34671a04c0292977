"""What is known of a step, and how each new call changes it: sketches that fade, and a detector
of change.

A call's weight halves every `HALF_LIFE` later calls. Two halves of a story can be merged, the
older one first; how a story is cut does not matter, but to the detector's memory.
"""

from collections.abc import Iterable, Sequence
from math import log, sqrt

from insight.learned.attempts import Attempt, Ending, StepKey
from insight.learned.pace import Pace, terms
from insight.learned.sketch import SHORTEST, Sketch, bucket_of, merged
from workflows.data.common import Record

HALF_LIFE = 200
"""Calls after which one counts half; so what is known never weighs more than 289 calls."""
FADING = 0.5 ** (1 / HALF_LIFE)
CLIP = 2.5
"""Standard deviations at which a residual or a log is cut off: a straggler is no change."""
ALLOWANCE, ALARM = 0.5, 8.0
"""Of the detector, in standard deviations: a lasting shift by one is found within about 17 calls,
and by Siegmund's formula a false alarm comes about once in 9,500.
"""
WARM = 20
"""Calls before the detector begins: before, it does not know what is usual."""


class Detector(Record):
    """Two-sided CUSUM (Page, 1954) over standardised log residuals r, clipped at 2.5:
    up = max(0, up + r - 0.5), down = max(0, down - r - 0.5); either above 8 is a change.

    `n`, `total` and `squares` are the fading sums of the clipped logs that say what is usual.
    """

    up: float = 0.0
    down: float = 0.0
    n: float = 0.0
    total: float = 0.0
    squares: float = 0.0


class Tokens(Record):
    """Fading sums over calls whose tokens are known: their number, tokens read, tokens written."""

    n: float = 0.0
    read: float = 0.0
    wrote: float = 0.0

    def plus(self, newer: "Tokens", faded: float) -> "Tokens":
        """Add newer sums to these, faded."""
        return Tokens(
            n=self.n * faded + newer.n,
            read=self.read * faded + newer.read,
            wrote=self.wrote * faded + newer.wrote,
        )


class Learned(Record):
    """What is known of a step.

    `calls` counts all that taught, ever. `done` holds service times, `cut` those of attempts
    given up, `queue` queue waits, all fading; `good` and `bad` are the fading numbers of attempts
    that worked and failed. `changes` counts alarms of the detector: at each, all before is
    forgotten. `pace` is of calls whose tokens are known.
    """

    key: StepKey
    calls: int = 0
    done: Sketch = Sketch()
    cut: Sketch = Sketch()
    queue: Sketch = Sketch()
    good: float = 0.0
    bad: float = 0.0
    changes: int = 0
    pace: Pace = Pace()
    tokens: Tokens = Tokens()
    detector: Detector = Detector()


def learn(known: Iterable[Learned], news: Iterable[Attempt]) -> list[Learned]:
    """Add attempts, oldest first, to what is known; give what changed."""
    grouped: dict[StepKey, list[Attempt]] = {}
    for attempt in sorted(news, key=lambda attempt: attempt.at):
        grouped.setdefault(attempt.key, []).append(attempt)
    before = {each.key: each for each in known}
    return [_taught(before.get(key, Learned(key=key)), some) for key, some in grouped.items()]


def merge(older: Learned, newer: Learned) -> Learned:
    """Put two parts of one step's story together. Associative; after a change only the newer
    part counts.
    """
    faded = 0.0 if newer.changes else FADING**newer.calls
    return Learned(
        key=newer.key,
        calls=older.calls + newer.calls,
        done=merged(older.done, newer.done, faded),
        cut=merged(older.cut, newer.cut, faded),
        queue=merged(older.queue, newer.queue, faded),
        good=older.good * faded + newer.good,
        bad=older.bad * faded + newer.bad,
        changes=older.changes + newer.changes,
        pace=older.pace.plus(newer.pace, faded),
        tokens=older.tokens.plus(newer.tokens, faded),
        detector=newer.detector,
    )


def _taught(known: Learned, news: Sequence[Attempt]) -> Learned:
    """Walk the detector over the news, and merge what it leaves of them."""
    detector, first, changes = known.detector, 0, 0
    for place, attempt in enumerate(news):
        if attempt.ending is Ending.DONE and attempt.seconds is not None:
            detector = _watched(detector, log(max(attempt.seconds, SHORTEST)))
            if max(detector.up, detector.down) > ALARM:
                detector, first, changes = Detector(), place + 1, changes + 1
    part = _part(known.key, news[first:])
    part = part.model_copy(update={"calls": len(news), "changes": changes})
    return merge(known, part).model_copy(update={"detector": detector})


def _part(key: StepKey, news: Sequence[Attempt]) -> Learned:
    """Sum attempts, the last one at full weight."""
    sketches: dict[str, dict[int, float]] = {"done": {}, "cut": {}, "queue": {}}
    good = bad = 0.0
    pace, tokens = Pace(), Tokens()
    for age, attempt in enumerate(reversed(news)):
        weight = FADING**age
        good += weight * (attempt.ending is Ending.DONE)
        bad += weight * attempt.failed
        if attempt.ending is Ending.DONE and attempt.seconds and attempt.output_tokens:
            more = terms(attempt.output_tokens, max(attempt.seconds, SHORTEST), weight)
            pace = pace.plus(Pace(sums=more), 1.0)
        if attempt.input_tokens:
            read, wrote = attempt.input_tokens * weight, attempt.output_tokens * weight
            tokens = tokens.plus(Tokens(n=weight, read=read, wrote=wrote), 1.0)
        times = [("queue", attempt.queue), (attempt.ending.value, attempt.seconds)]
        for name, seconds in times:
            if seconds is not None and name in sketches:
                buckets, bucket = sketches[name], bucket_of(seconds)
                buckets[bucket] = buckets.get(bucket, 0.0) + weight
    filled = {name: Sketch(buckets=buckets) for name, buckets in sketches.items()}
    return Learned(key=key, good=good, bad=bad, pace=pace, tokens=tokens, **filled)


def _watched(seen: Detector, x: float) -> Detector:
    """Take one log into the detector: first the residual, then what is usual."""
    up, down = seen.up, seen.down
    if seen.n > 1:
        mean = seen.total / seen.n
        spread = sqrt(max(seen.squares / seen.n - mean**2, 0.0)) or 1.0
        r = max(-CLIP, min(CLIP, (x - mean) / max(spread, 0.05)))
        x = mean + r * spread if seen.n > WARM / 2 else x
        if seen.n > WARM * 0.95:
            up, down = max(0.0, up + r - ALLOWANCE), max(0.0, down - r - ALLOWANCE)
    return Detector(
        up=up,
        down=down,
        n=seen.n * FADING + 1,
        total=seen.total * FADING + x,
        squares=seen.squares * FADING + x * x,
    )
