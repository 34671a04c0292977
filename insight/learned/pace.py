"""Pace: how a model's time grows with the length of its answer, first token + tokens x s/token."""

from collections.abc import Mapping

from pydantic import Field

from workflows.data.common import Record

LEAST = 10.0
"""Calls below which no pace is told."""
_TERMS = ("n", "t", "u", "ut", "uu", "uut", "uutt")


class Pace(Record):
    """Fading sums over calls of t tokens in s seconds, u = 1/s: for the least relative error,
    so that a straggler, whose u is next to nothing, hardly counts.
    """

    sums: Mapping[str, float] = Field(default_factory=dict)

    def plus(self, newer: "Pace", faded: float) -> "Pace":
        """Add newer sums to these, faded."""
        terms = {*self.sums, *newer.sums}
        return Pace(sums={k: self.sums.get(k, 0.0) * faded + newer.sums.get(k, 0.0) for k in terms})

    def line(self, usual: float) -> tuple[float, float] | None:
        """Give the seconds of the first token and of each token, so that an answer of mean length
        takes `usual` seconds; None if unknown.

        Solves min sum (1 - (a + b t) / s)^2 with a, b >= 0, which tells a : b well and both too
        low. Unknown where there are few calls, or all answers are about equally long.
        """
        if self.sums.get("n", 0.0) < LEAST:
            return None
        n, t, u, ut, uu, uut, uutt = (self.sums[k] for k in _TERMS)
        spread = uu * uutt - uut * uut
        if spread <= 1e-2 * uu * uutt:
            return None
        a, b = (u * uutt - ut * uut) / spread, (uu * ut - uut * u) / spread
        if a < 0:
            a, b = 0.0, ut / uutt
        elif b < 0:
            a, b = u / uu, 0.0
        scale = usual / (a + b * t / n)
        return a * scale, b * scale


def terms(tokens: int, seconds: float, weight: float) -> Mapping[str, float]:
    """Give what one call adds to the sums."""
    u, t = 1 / seconds, float(tokens)
    values = (1.0, t, u, u * t, u * u, u * u * t, u * u * t * t)
    return {name: weight * value for name, value in zip(_TERMS, values, strict=True)}
