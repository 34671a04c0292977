"""Labelled answers: questions whose right answer is known, and how sure and right a model is.

Sums of deliveries, the more parts the harder. A model is right with a chance that falls with the
parts and says it is surer than that, by a factor of the kind of question: a calibration has
something to mend. Half of the mistakes are shared by all models, as mistakes of models are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp

from simulator.chance import unit

KINDS = {"crates": 0.5, "tickets": 0.4, "hours": 0.65}
"""Kinds of questions, with the share of its doubt that a model tells."""

STRENGTHS = {
    5.0: ("fable", "opus", "astra", "sol", "pro"),
    4.0: ("sonnet", "terra", "medium", "large", "120b"),
    3.0: ("haiku", "luna", "flash", "-mini", "lite", "small", "20b"),
}
"""Log-odds of being right about one part, by a word of the model's name; others have 3.4."""

HARDER = 0.55
"""How much each further part takes off the log-odds."""

MOST_PARTS = 7
_PART = re.compile(r"(less )?(\d+) (crates|tickets|hours) at (\d+) euros")
_OPENING = "A supplier bills "
_CLOSING = ". What is the total in euros?"


@dataclass(frozen=True)
class Answered:
    """A model's answer to a question of the bank."""

    answer: int
    confidence: float
    correct: bool


@dataclass(frozen=True)
class Labelled:
    """One line of the bank."""

    id: str
    group: str
    model: str
    question: str
    answer: str
    confidence: float
    correct: bool


def labelled(seed: int, n: int, model: str) -> Iterator[Labelled]:
    """Give the answers of a model to the first `n` questions of the bank of `seed`."""
    for number in range(n):
        kind, question = _question(seed, number)
        said = answered(seed, question, model)
        if said is not None:
            yield Labelled(
                id=f"q{number + 1}",
                group=kind,
                model=model,
                question=question,
                answer=str(said.answer),
                confidence=said.confidence,
                correct=said.correct,
            )


def answered(seed: int, text: str, model: str) -> Answered | None:
    """Answer the question of the bank that a text holds; None if it holds none."""
    found = re.search(re.escape(_OPENING) + "(.*?)" + re.escape(_CLOSING), text, re.DOTALL)
    parts = _PART.findall(found[1]) if found else []
    if not parts:
        return None
    asked = str(found[1] if found else "")
    total = sum(int(n) * int(price) * (-1 if less else 1) for less, n, _, price in parts)
    oddity = 2 * unit(seed, "oddity", asked) - 1  # what makes it hard beyond its parts
    odds = _strength(model) - HARDER * (len(parts) - 1) - oddity
    chance = 1 / (1 + exp(-odds))
    shared = unit(seed, "shared", asked) < 0.5
    correct = unit(seed, "right", asked, "" if shared else model) < chance
    noise = 0.04 * (unit(seed, "noise", asked, model) - 0.5)
    stated = 1 - (1 - chance) * KINDS[parts[0][2]] + noise
    slipped = total + 1 + int(9 * unit(seed, "slipped", asked, model)) * int(parts[0][3])
    return Answered(total if correct else slipped, round(min(max(stated, 0.0), 0.99), 2), correct)


def _strength(model: str) -> float:
    named = (s for s, words in STRENGTHS.items() if any(w in model for w in words))
    return next(named, 3.4) + 0.4 * (unit("strength", model) - 0.5)


def _question(seed: int, number: int) -> tuple[str, str]:
    def draw(what: str, low: int, high: int) -> int:
        return low + int(unit(seed, "question", number, what) * (high - low + 1))

    kind = list(KINDS)[draw("kind", 0, len(KINDS) - 1)]
    parts = []
    for part in range(draw("parts", 1, MOST_PARTS)):
        less = "less " if part and draw(f"less {part}", 1, 4) == 1 else ""
        parts.append(
            f"{less}{draw(f'n {part}', 2, 60)} {kind} at {draw(f'price {part}', 3, 90)} euros each"
        )
    return kind, f"{_OPENING}{', then '.join(parts)}{_CLOSING}"
