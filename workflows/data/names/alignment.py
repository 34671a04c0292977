"""Names: which word of one name stands for which word of the other, each used once."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from workflows.data.names.folding import INITIAL, SMALL, Word
from workflows.data.names.likeness import consonants, likeness

ALIKE = 0.5
"""Below this two words are two different words."""
JOINED, LONG = 0.9, 6
"""How alike a word must be to several, and how long; one of six or seven letters must be equal."""
MOST_LEFT = 8
"""Of more words than these no combinations are tried: it would take for ever."""
OTHER_NUMBER = "another number"


@dataclass(frozen=True, slots=True)
class Pair:
    """Words of the first name that stand for words of the second. `why` in a reviewer's words."""

    first: tuple[Word, ...]
    second: tuple[Word, ...]
    likeness: float
    why: str

    @property
    def weight(self) -> float:
        """How much the pair says: the mean of both sides."""
        return (sum(w.weight for w in self.first) + sum(w.weight for w in self.second)) / 2


@dataclass(frozen=True, slots=True)
class Alignment:
    """The pairs, and the words of each name that stand for none of the other."""

    pairs: tuple[Pair, ...]
    first_left: tuple[Word, ...]
    second_left: tuple[Word, ...]


def align(first: tuple[Word, ...], second: tuple[Word, ...]) -> Alignment:
    """Pair the words: likest first, then words written together, then initials."""
    left, right = list(first), list(second)
    pairs = [
        *_single(left, right),
        *_joined(left, right),
        *(_turned(pair) for pair in _joined(right, left)),
        *_initials(left, right),
        *(_turned(pair) for pair in _initials(right, left)),
    ]
    return Alignment(tuple(pairs), tuple(left), tuple(right))


def _turned(pair: Pair) -> Pair:
    return Pair(pair.second, pair.first, pair.likeness, pair.why)


def _single(left: list[Word], right: list[Word]) -> Iterator[Pair]:
    found = []
    for one in left:
        for other in right:
            alike, why = _alike(one, other)
            if alike >= ALIKE:
                found.append((alike, one, other, why))
    found.sort(key=lambda f: (-f[0], -(f[1].weight + f[2].weight), f[1].text, f[2].text))
    for alike, one, other, why in found:
        if one in left and other in right:
            left.remove(one)
            right.remove(other)
            yield Pair((one,), (other,), alike, why)


def _alike(one: Word, other: Word) -> tuple[float, str]:
    if one.text.isdigit() and other.text.isdigit() and one.text != other.text:
        return ALIKE, OTHER_NUMBER
    alike, why = max(likeness(one.text, other.text), likeness(one.shown, other.shown))
    if alike < ALIKE and (one.abjad or other.abjad):
        bones = consonants(one.text)
        if len(bones) > 1 and bones == consonants(other.text):
            return (0.9 if len(bones) > 2 else 0.8), "same consonants"
    return alike, why


def _joined(left: list[Word], right: list[Word]) -> Iterator[Pair]:
    """Find one word of the left that is several of the right, written together."""
    for one in sorted((w for w in left if len(w.text) >= LONG), key=lambda w: -len(w.text)):
        for size in (2, 3):
            best = _best_joint(one, right, size) if len(right) <= MOST_LEFT else None
            if best is not None and one in left:
                left.remove(one)
                for part in best[1]:
                    right.remove(part)
                yield Pair((one,), best[1], best[0], "written together")


def _best_joint(one: Word, right: list[Word], size: int) -> tuple[float, tuple[Word, ...]] | None:
    best: tuple[float, tuple[Word, ...]] | None = None
    for parts in permutations(right, size):
        text = "".join(part.text for part in parts)
        if abs(len(text) - len(one.text)) > 2:
            continue
        alike, _ = likeness(one.text, text)
        if alike >= (JOINED if len(one.text) > LONG + 1 else 1) and (
            best is None or alike > best[0]
        ):
            best = alike, parts
    return best


def _initials(left: list[Word], right: list[Word]) -> Iterator[Pair]:
    """Let an initial, or two or three written together, stand for words that begin so."""
    for one in list(left):
        if one.weight <= SMALL:
            continue
        if len(one.text) == 1:
            whole = sorted(w.text for w in right if w.text[0] == one.text and w.text != one.text)
            if whole:
                word = next(w for w in right if w.text == whole[0])
                left.remove(one)
                right.remove(word)
                light = Word(word.shown, word.text, INITIAL)
                yield Pair((one,), (light,), 0.9, "initial")
        elif len(one.text) in (2, 3):
            whole_words = [w for w in right if w.weight > SMALL]
            for parts in permutations(whole_words[:MOST_LEFT], len(one.text)):
                if "".join(p.text[0] for p in parts) == one.text and all(
                    len(p.text) > 1 for p in parts
                ):
                    left.remove(one)
                    for part in parts:
                        right.remove(part)
                    yield Pair((one,), parts, 0.9, "initials")
                    break
