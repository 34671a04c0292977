"""Names: how alike two words are, and why."""

import re
from functools import lru_cache

from rapidfuzz.distance import OSA

from workflows.data.names.vocabulary import SAME_GIVEN

_SPELLINGS = (
    ("sch", "sh"),
    ("ou", "u"),
    ("oo", "u"),
    ("tch", "ch"),
    ("ph", "f"),
    ("ck", "k"),
    ("kh", "h"),
    ("gh", "g"),
    ("dj", "j"),
    ("zh", "j"),
    ("ts", "z"),
    ("tz", "z"),
    ("qu", "k"),
    ("q", "k"),
    ("w", "v"),
    ("x", "ks"),
)
_LIGHT = str.maketrans({"y": "i", "j": "i", "w": "v"})
SHORT, LESS_SURE = 3, 0.05
"""Words up to this length must be equal: one letter makes another name."""


@lru_cache(maxsize=65536)
def sound(word: str) -> str:
    """Reduce a word to how it may sound in any romanisation: vowels become one sign."""
    for written, heard in _SPELLINGS:
        word = word.replace(written, heard)
    word = re.sub(r"c(?!h)", "k", word)
    word = re.sub(r"(.)\1+", r"\1", word)
    return re.sub(r"[aeiouy]+", "a", word)


def consonants(word: str) -> str:
    """Give what is written of a word in scripts that leave vowels out."""
    return re.sub(r"[aeiouyw]", "", sound(word).replace("v", ""))


@lru_cache(maxsize=262144)
def likeness(first: str, second: str) -> tuple[float, str]:
    """Say how alike two folded words are, 0 to 1, and in what way."""
    if first == second:
        return 1.0, "equal"
    if any(first in names and second in names for names in SAME_GIVEN):
        return 0.9, "forms of one name"
    if min(len(first), len(second)) <= 1 or _other_sex(first, second):
        return 0.0, ""
    if first.isdigit() or second.isdigit():
        return 0.0, ""
    one, other = _light(first), _light(second)
    written = OSA.distance(first, second)
    apart = max(1, min(written, OSA.distance(one, other)))
    longest = max(len(first), len(second))
    if longest > SHORT and sound(first) == sound(second) and apart <= max(2, 0.5 * longest):
        return (0.95 if apart == 1 and longest > 4 else 0.85), "sounds alike"
    alike = _by_letters(apart, longest, same_start=one[0] == other[0])
    # What only plain spelling brings together is a little less sure.
    alike -= LESS_SURE if apart < written else 0
    return max(alike, 0.0), f"{written} letter{'s' if written > 1 else ''} apart"


def _by_letters(apart: int, longest: int, *, same_start: bool) -> float:
    """Judge letters apart by the length of the longer word."""
    if apart == 1:
        if longest <= SHORT or not (same_start or longest > 4):
            return 0.5
        return 0.9 if longest > 4 and same_start else 0.8
    if not same_start:
        return 0.0  # More than one letter, and the first among them: another word.
    if apart == 2 and longest >= 7:
        return 0.8
    return 0.72 if apart == 3 and longest >= 12 else 0.0


def _light(word: str) -> str:
    """Spell a word in the plainest way: one letter for what romanisations write differently."""
    return re.sub(r"(.)\1+", r"\1", re.sub(r"ch|ck|kh|c|q", "k", word.translate(_LIGHT)))


def _other_sex(first: str, second: str) -> bool:
    """Say whether the words are a woman's and a man's form: Antonia and Antonio."""
    return first[:-1] == second[:-1] and {first[-1], second[-1]} == {"a", "o"}
