"""Pools: what one service, or one model of it, allows, and when the next request may be sent.

Pure arithmetic; times are seconds since the epoch. A vendor counts a request at some moment
between our sending it and the arrival of its answer's headers, so it occupies the window from
the one until `per` seconds after the other. No more than `requests` ever occupy it: whatever the
jitter, no window of the vendor's holds more, and neither a sliding window nor a token bucket of
that size is overrun. Sends are paced besides (GCRA, ITU-T I.371), so that a window is not spent
in one gulp. A 429 inside the known limit cuts the pool, which recovers on a cubic (RFC 9438).
"""

from dataclasses import dataclass, field
from math import inf

from workflows.data.limits import Limits

CUT, CUT_NEAR, FLOOR = 0.7, 0.9, 0.05
SETTLED_WINDOWS = 5
RECOVERY, RECOVERY_WINDOWS = 60.0, 5
"""Seconds, or windows if that is longer, until a cut pool is back where it was hurt."""
PAUSE_SHARE, SHORTEST_PAUSE, LONGEST_PAUSE = 0.6, 5.0, 60.0
"""A pool pauses after a 429 for this share of a window or so many seconds at least, and at most."""
LOOKAHEAD = 0.15
"""Seconds by which a permit is granted before its moment: handing it over costs no time."""
BURST_SHARE, BURST_MOST = 0.1, 10


@dataclass
class Pool:
    """A pool at a moment.

    `used` and `tokens` occupy the window, `flying` are unfinished; `frees` are those that leave
    the window soon (when, tokens), soonest first. `next_at` is when the pacing is even again;
    `ceiling` and `floor` are the factors before and after the last cut; `virtual` is the start
    tag of the last request let through (see store.fairness).
    """

    service: str
    model: str
    limits: Limits
    used: int = 0
    tokens: int = 0
    flying: int = 0
    next_at: float = 0.0
    paused_until: float = 0.0
    cut_at: float = 0.0
    ceiling: float = 1.0
    floor: float = 1.0
    virtual: float = 0.0
    frees: list[tuple[float, int]] = field(default_factory=list)

    @property
    def stopped(self) -> bool:
        """Say whether people have paused it: some limit is 0."""
        return 0 in (self.limits.requests, self.limits.tokens, self.limits.concurrency)

    @property
    def windowed(self) -> bool:
        """Say whether a request occupies a window, and not only a place while it is open."""
        return self.limits.requests is not None or self.limits.tokens is not None

    def heeded(self, now: float) -> bool:
        """Say whether a request has to heed this pool."""
        return not self.limits.unlimited or self.paused_until > now

    def factor(self, now: float) -> float:
        """Give the share of the known limit in use: 1, or less since a 429."""
        if not self.cut_at:
            return 1.0
        whole = max(RECOVERY, RECOVERY_WINDOWS * self.limits.per)
        missing = 1.0 - (now - self.cut_at) / whole
        grown = self.ceiling - (self.ceiling - self.floor) * missing**3
        return min(1.0, max(self.floor, grown))

    def slot(self, tokens: int, now: float) -> float:
        """Give the moment from which one more may be sent; infinite while that is not known.

        What is larger than the limit on tokens goes when the window is empty.
        """
        factor = self.factor(now)
        if self.stopped or self._over(self.limits.concurrency, self.flying + 1, factor):
            return inf
        at = max(now, self.paused_until, self.next_at - self._burst(factor))
        used, held = self.used + 1, self.tokens + tokens
        frees = iter(self.frees)
        while self._over(self.limits.requests, used, factor) or (
            self._over(self.limits.tokens, held, factor) and used > 1
        ):
            free, freed = next(frees, (inf, 0))
            if free == inf:
                return inf
            at, used, held = max(at, free), used - 1, held - freed
        return at

    def outlook(self, now: float) -> float:
        """Give the moment up to which grants are made."""
        return now + min(LOOKAHEAD, self.limits.per / 4)

    def take(self, tokens: int, at: float, now: float) -> None:
        """Count one request, to be sent at `at`."""
        self.flying += 1
        if not self.windowed:
            return
        self.used += 1
        self.tokens += tokens
        self.next_at = max(self.next_at, at) + self._spacing(tokens, self.factor(now))

    def cut(self, now: float, sent_at: float, wait: float | None) -> bool:
        """Take a 429 to heart: pause, and from then on send less. Say whether it cut.

        While the vendor's window still holds what was sent before the last cut, another 429 tells
        nothing of the new pace: it only makes the pause longer. What the window holds when it is
        refused is the most the vendor can allow, be it a window or a bucket.
        """
        known = not self.limits.unlimited
        again = known and sent_at < self.cut_at + self.limits.per
        pause = max(
            wait or 0.0, min(PAUSE_SHARE * self.limits.per, SHORTEST_PAUSE) if known else 0.0
        )
        if again and sent_at >= self.cut_at:
            pause = max(pause, now - self.cut_at)
        self.paused_until = max(self.paused_until, now + min(pause, LONGEST_PAUSE))
        if not known or again:
            return False
        factor = self.factor(now)
        # After a long while without a 429 the pace is hardly more than what was allowed just now.
        near = self.cut_at and now - self.cut_at > SETTLED_WINDOWS * self.limits.per
        self.ceiling = max(FLOOR, min(factor, max(factor / 2, self._share())))
        self.floor = max(FLOOR, min((CUT_NEAR if near else CUT) * factor, CUT_NEAR * self.ceiling))
        self.cut_at = now
        self.next_at = self.paused_until
        return True

    def cost(self, tokens: int) -> float:
        """Give what a request takes of the pool, in requests: the scarcer of both kinds."""
        limits = self.limits
        if not limits.tokens:
            return 1.0
        return max(1.0, tokens * (limits.requests or limits.tokens) / limits.tokens)

    def _share(self) -> float:
        """Give how full the window is, without the request that was refused."""
        parts = ((self.used - 1, self.limits.requests), (self.tokens, self.limits.tokens))
        return max((held / limit for held, limit in parts if limit), default=1.0)

    @staticmethod
    def _over(limit: int | None, would_be: int, factor: float) -> bool:
        return limit is not None and would_be > max(1, int(limit * factor))

    def _spacing(self, tokens: int, factor: float) -> float:
        per = self.limits.per / factor
        by_requests = per / self.limits.requests if self.limits.requests else 0.0
        by_tokens = per * tokens / self.limits.tokens if self.limits.tokens else 0.0
        return max(by_requests, by_tokens)

    def _burst(self, factor: float) -> float:
        """Give how many seconds the pacing may be ahead: none while the limit is in doubt."""
        if factor < 1.0:
            return 0.0
        requests = self.limits.requests
        if not requests:
            return BURST_SHARE * self.limits.per
        burst = max(1.0, min(BURST_MOST, BURST_SHARE * requests))
        return (burst - 1.0) * self.limits.per / requests
