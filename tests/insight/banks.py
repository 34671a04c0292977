"""Banks of labelled answers whose true chances are known; whether thresholds keep their word."""

from math import exp, log
from random import Random

from insight.confidence.calibration import Wishes, fit
from insight.confidence.labelled import LabelledAnswer


def drawn(n: int, seed: int, over: float, spread: float) -> list[tuple[float, float]]:
    """Draw stated confidences, `over` too high in log-odds and squeezed, with the true chances."""
    rng = Random(seed)  # noqa: S311 - banks that can be drawn again
    made = []
    for _ in range(n):
        chance = min(rng.betavariate(4, 1.2), 0.9999)
        odds = over + spread * log(chance / (1 - chance))
        made.append((round(1 / (1 + exp(-odds)), 2), chance))
    return made


def bank(n: int, seed: int, *, over: float = 1.0, spread: float = 0.9) -> list[LabelledAnswer]:
    """Draw labelled answers."""
    rng = Random(f"right {seed}")  # noqa: S311 - same
    return [
        LabelledAnswer(confidence=stated, correct=rng.random() < chance)
        for stated, chance in drawn(n, seed, over, spread)
    ]


def truth() -> dict[float, tuple[int, float]]:
    """Per stated confidence of a large bank: how many answers, and the sum of their chances."""
    found: dict[float, tuple[int, float]] = {}
    for stated, chance in drawn(20_000, seed=10**6, over=1.0, spread=0.9):
        n, total = found.get(stated, (0, 0.0))
        found[stated] = n + 1, total + chance
    return found


def kept(trial: int, n: int, z: float, known: dict[float, tuple[int, float]]) -> bool | None:
    """Fit to `n` answers; say whether accuracy is at most half a point below the one promised."""
    made = fit(bank(n, seed=trial), Wishes(accuracy=0.9, z=z, force=True)).calibration
    accepted = [held for stated, held in known.items() if made.accepts(stated)]
    if not accepted:
        return None
    return sum(total for _, total in accepted) / sum(n for n, _ in accepted) >= 0.895
