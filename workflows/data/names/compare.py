"""Names: how alike two names are, told word by word."""

from dataclasses import dataclass

from workflows.data.names.alignment import OTHER_NUMBER, Alignment, Pair, align
from workflows.data.names.folding import INITIAL, SMALL, Word, has_syllables, read_name

MATCH = 0.75
"""Fixed beforehand: from this score on a person has to look."""
CONFLICT = 1.15
"""What a word weighs that another word stands in the place of."""
DIFFERENT = 0.7
"""The most that names can score of which each has a word the other lacks."""
SERIES = 0.9
"""Factor where names differ by a number: the next ship or fund of a family."""
SURE, UNSURE = 0.9, 0.85
"""Factor where no word is sure, or only one is and a word is left out besides."""
OMITTED, MOST_OMITTED = 0.3, 2.0
"""What a word weighs that only one of the names has, and how many such words count."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How alike two names are, 0 to 1, and which word stands for which."""

    score: float
    parts: tuple[str, ...] = ()

    @property
    def matched(self) -> bool:
        """Say whether a person has to look."""
        return self.score >= MATCH


def compare(first: str, second: str, kind: str = "Company") -> NameMatch:
    """Compare two names of a `Person` or a `Company`, whatever the order of their words."""
    by_sign = has_syllables(first) and has_syllables(second)
    one = read_name(first, kind, by_sign=by_sign)
    other = read_name(second, kind, by_sign=by_sign)
    # Compared in one order always, so that which name comes first never matters.
    turned = _key(one) > _key(other)
    if turned:
        one, other = other, one
    aligned = align(*(tuple(sorted(words, key=lambda w: w.text)) for words in (one, other)))
    score = _score(aligned)
    return NameMatch(round(score, 4), _parts(aligned, turned=turned))


def _key(words: tuple[Word, ...]) -> tuple[str, ...]:
    return tuple(sorted(word.text for word in words))


def _score(aligned: Alignment) -> float:
    agreed = sum(pair.weight * pair.likeness for pair in aligned.pairs)
    weight = sum(pair.weight for pair in aligned.pairs)
    left, right = (_weight(words) for words in (aligned.first_left, aligned.second_left))
    conflict, omitted = min(left, right), min(abs(left - right), MOST_OMITTED)
    if not agreed:
        return 0.0
    score = agreed / (weight + CONFLICT * conflict + OMITTED * omitted)
    if any(pair.why == OTHER_NUMBER for pair in aligned.pairs):
        score *= SERIES
    telling = [pair for pair in aligned.pairs if pair.weight > INITIAL]
    sure = sum(pair.likeness >= SURE for pair in telling)
    if telling and (not sure or (sure == 1 < len(telling) and _lacks(aligned))):
        score *= UNSURE
    if _differ(aligned.first_left, aligned.second_left):
        return min(score, DIFFERENT)
    return score


def _lacks(aligned: Alignment) -> bool:
    left_out = (*aligned.first_left, *aligned.second_left)
    return any(word.weight > INITIAL for word in left_out)


def _differ(first: tuple[Word, ...], second: tuple[Word, ...]) -> bool:
    """Say whether each name has a word of its own where the other has another one."""
    return all(any(word.weight > SMALL for word in left) for left in (first, second))


def _weight(words: tuple[Word, ...]) -> float:
    return sum(word.weight for word in words)


def _parts(aligned: Alignment, *, turned: bool) -> tuple[str, ...]:
    told = [_told(pair, turned=turned) for pair in aligned.pairs]
    first, second = aligned.first_left, aligned.second_left
    if turned:
        first, second = second, first
    told += [f"{word.shown}: only in the name asked for" for word in first]
    told += [f"{word.shown}: only in the name found" for word in second]
    return tuple(told)


def _told(pair: Pair, *, turned: bool) -> str:
    first, second = (" ".join(w.shown for w in side) for side in (pair.first, pair.second))
    if turned:
        first, second = second, first
    return f"{first} = {second}" + ("" if pair.why == "equal" else f" ({pair.why})")
