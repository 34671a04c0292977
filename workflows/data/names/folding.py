"""Names: from a name as written to the words that are compared."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii

from workflows.data.names.vocabulary import (
    GENERIC,
    HALVES,
    JOINING,
    LEGAL_FORMS,
    PARTICLES,
    ROMAN,
    SAME_WORD,
    STAYS_IN_FRONT,
    TITLES,
    VESSEL_MARKS,
)

LONGEST = 300
"""Characters of a name that are read; the rest is no name."""
MOST_WORDS = 24
SMALL, INITIAL, COMMON, WHOLE = 0.15, 0.4, 0.55, 1.0
"""Weights: a particle, an initial (or a father's name), a word of trade, any other word."""

_DOTTED = re.compile(r"\b(?:\w\.\s?){2,}(?:\w\b(?!\w))?")
_APOSTROPHES = re.compile(r"(?<=\w)[\u0060\u00b4\u2018\u2019\u02bc\u02bb\u02bd'](?=\w)")
_SIGNS = r"\u3400-\u9fff\uac00-\ud7af"
_CJK = re.compile(f"[{_SIGNS}]")
_ALL = re.compile(r".+", re.DOTALL)
_PATRONYMIC = re.compile(r"\w{3}(?:ovich|evich|ovych|evych|ovna|evna|ivna|owicz)$")
_NOT_SIGNS = re.compile(f"[^{_SIGNS}]+")
_ABJAD = re.compile(r"[\u0590-\u06ff]")
_FORMS = frozenset(form[0] for form in LEGAL_FORMS if len(form) == 1)
_READ = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN")
"""Scripts whose letters stand for the Latin ones that lists write."""
_LOOKALIKES = str.maketrans("013457", "oieast")


@dataclass(frozen=True, slots=True)
class Word:
    """One word: as it was written, as it is compared, and how much it says (0 to 1)."""

    shown: str
    text: str
    weight: float
    abjad: bool = False
    """Written without vowels, as Arabic and Hebrew are."""


def has_syllables(name: str) -> bool:
    """Say whether the name is written in syllable signs (Chinese, Korean)."""
    return bool(_CJK.search(name))


def unread_script(name: str) -> str:
    """Give the script of the first letter that Latin letters do not stand for: a name written
    so can be missed in a list of Latin names. Empty if there is none.
    """
    plain = unicodedata.normalize("NFKC", name)
    letters = (c for c in plain if unicodedata.category(c) in ("Lu", "Ll", "Lt", "Lo"))
    scripts = (unicodedata.name(c, "UNKNOWN").split()[0] for c in letters)
    return next((script for script in scripts if script not in _READ), "")


@lru_cache(maxsize=65536)
def read_name(name: str, kind: str, *, by_sign: bool = False) -> tuple[Word, ...]:
    """Read a name of a `Person` or a `Company`, without titles or legal forms.

    `by_sign` keeps each Chinese or Korean sign a word of its own.
    """
    plain = unicodedata.normalize("NFKC", name[:LONGEST])
    abjad = bool(_ABJAD.search(plain))
    words = _split(plain, by_sign=by_sign)[:MOST_WORDS]
    if kind == "Person":
        kept = [word for word in words if word not in TITLES] or words
        return tuple(_of_person(word, abjad) for word in _without_form(kept, fewest=2))
    kept = _without_form(_with_form_joined(words), fewest=1)
    kept = [word for word in kept if word not in VESSEL_MARKS] or kept
    return tuple(_of_company(word, abjad) for word in kept)


def _split(plain: str, *, by_sign: bool) -> list[str]:
    plain = _DOTTED.sub(lambda found: re.sub(r"[.\s]", "", found.group()) + " ", plain)
    plain = _APOSTROPHES.sub("", plain)
    to_fold = _NOT_SIGNS if by_sign else _ALL
    folded = to_fold.sub(lambda found: anyascii(found.group()), plain)
    folded = re.sub("['`]", "", folded).replace("&", " and ").lower()
    return re.findall(rf"[a-z0-9]+|[{_SIGNS}]", folded)


def _with_form_joined(words: list[str]) -> list[str]:
    """Join the last letters of a name that are a legal form written apart: P L C, G m b H."""
    for start in range(1, len(words) - 1):
        letters = words[start:]
        if max(map(len, letters)) == 1 and "".join(letters) in _FORMS:
            return [*words[:start], "".join(letters)]
    return words


def _without_form(words: list[str], fewest: int) -> list[str]:
    """Take legal forms off both ends, as long as `fewest` words remain."""
    kept = words
    for form in LEGAL_FORMS * 2:  # Twice, for a form behind a form: "S.A. LTDA".
        size = len(form)
        if len(kept) - size < fewest:
            continue
        if tuple(kept[-size:]) == form:
            kept = kept[:-size]
        elif fewest == 1 and form[0] not in STAYS_IN_FRONT and tuple(kept[:size]) == form:
            kept = kept[size:]
    return kept


def _of_person(word: str, abjad: bool) -> Word:
    weight = SMALL if word in PARTICLES else INITIAL if _says_little(word) else WHOLE
    with_digits = any(c.isdigit() for c in word) and not word.isdigit()
    return Word(word, word.translate(_LOOKALIKES) if with_digits else word, weight, abjad)


def _says_little(word: str) -> bool:
    initial = len(word) == 1 and word.isascii()
    return initial or word in HALVES or bool(_PATRONYMIC.search(word))


def _of_company(word: str, abjad: bool) -> Word:
    number = ROMAN.get(word, word)
    text = SAME_WORD.get(number, number)
    if text in JOINING:
        return Word(word, text, SMALL, abjad)
    common = text.isdigit() or word in GENERIC or text in GENERIC
    return Word(word, text, COMMON if common else WHOLE, abjad)
