"""How hard a question looks, and tiers of models by it; see `insight.confidence.tiers`."""

import re
import unicodedata
from collections import Counter
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from workflows.data.common import Record
from workflows.data.tokens import tokens

Share = Annotated[float, Field(ge=0, le=1)]
DIGITS = 4
"""Decimals of a score."""
_CLAUSE = re.compile(r"[,;:()\u2013\u2014.!?\u3001\u3002]+(?:\s|$)|[\u3001\u3002]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LEAST_LETTERS = 0.05
"""Share of the letters from which on a script counts: a foreign name is no second language."""


class ComplexityRules(Record):
    """What makes a question hard: from these amounts on each part counts in full, and how much each
    counts (in all 1). `clauses` are parts between marks, `scripts` those beyond the first.
    """

    full_tokens: Annotated[int, Field(ge=1)] = 1_500
    full_clauses: Annotated[int, Field(ge=1)] = 60
    full_numbers: Annotated[int, Field(ge=1)] = 40
    full_scripts: Annotated[int, Field(ge=1)] = 2
    length: Share = 0.4
    clauses: Share = 0.3
    numbers: Share = 0.2
    scripts: Share = 0.1

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.length + self.clauses + self.numbers + self.scripts - 1) > 1e-9:
            raise ValueError("the shares of length, clauses, numbers and scripts must make up 1")
        return self


class Complexity(Record):
    """How hard a question looks, from 0 to 1, and what of it makes it so (each from 0 to 1)."""

    score: Share
    length: Share
    clauses: Share
    numbers: Share
    scripts: Share


class Rating(Record):
    """How hard a model finds a question, from 0 to 1; a model's answer."""

    score: Share
    why: str


class Tier(Record):
    """A tier: the role that answers questions whose score is `since` or more."""

    name: str
    role: str
    since: Share


class Tiers(Record):
    """Tiers from simple to complex, the first since 0. `policy` is the version of these bounds."""

    policy: str
    tiers: Annotated[tuple[Tier, ...], Field(min_length=2)]
    rules: ComplexityRules = ComplexityRules()

    @model_validator(mode="after")
    def _rise(self) -> Self:
        if self.tiers[0].since != 0:
            raise ValueError(f"tiers.0.since: is {self.tiers[0].since:g}; the first starts at 0")
        if any(a.since >= b.since for a, b in pairwise(self.tiers)):
            raise ValueError("tiers: must rise; give each a higher `since` than the one before")
        if len({t.name for t in self.tiers}) < len(self.tiers):
            raise ValueError("tiers: two have one name; rename one")
        return self

    def of(self, score: float) -> Tier:
        """Give the tier of a score."""
        return next(tier for tier in reversed(self.tiers) if score >= tier.since)


def complexity(text: str, rules: ComplexityRules | None = None) -> Complexity:
    """Say how hard a question looks, by its text alone."""
    rules = rules or ComplexityRules()
    parts = {
        "length": _share(tokens(text), rules.full_tokens),
        "clauses": _share(len(_CLAUSE.findall(text)), rules.full_clauses),
        "numbers": _share(len(_NUMBER.findall(text)), rules.full_numbers),
        "scripts": _share(max(_scripts(text) - 1, 0), rules.full_scripts),
    }
    score = sum(getattr(rules, part) * value for part, value in parts.items())
    return Complexity(score=min(round(score, DIGITS), 1.0), **parts)


def _share(amount: int, full: int) -> float:
    return min(round(amount / full, DIGITS), 1.0)


def _scripts(text: str) -> int:
    """Count the scripts letters come from: Latin, Cyrillic, Han (with kana), Arabic and so on."""
    letters = Counter(c for c in text if c.isalpha())
    scripts = Counter[str]()
    for letter, count in letters.items():
        word = unicodedata.name(letter, "?").partition(" ")[0]
        scripts["CJK" if word in ("HIRAGANA", "KATAKANA") else word] += count
    return sum(count >= _LEAST_LETTERS * letters.total() for count in scripts.values())
