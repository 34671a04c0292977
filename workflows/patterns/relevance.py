"""Relevance: how much texts say about a question, by BM25 over their words.

The usual weights (k1 1.2, b 0.75). Words are folded to lower case; runs of a script without spaces
count by character.
"""

import re
from collections import Counter
from collections.abc import Sequence
from math import log

K1, B = 1.2, 0.75
_SIGNS = "\u3040-\u9fff\uac00-\ud7af"
_WORD = re.compile(f"[{_SIGNS}]|[^\\W_{_SIGNS}]+")


def words(text: str) -> list[str]:
    """Give the words of a text, in order."""
    return _WORD.findall(text.casefold())


def relevance(about: str, texts: Sequence[str]) -> list[float]:
    """Score each text for what it says about `about`: 0 for no word in common."""
    counts = [Counter(words(text)) for text in texts]
    lengths = [count.total() for count in counts]
    mean = sum(lengths) / len(texts) if sum(lengths) else 1.0
    scores = [0.0] * len(texts)
    for word in sorted(set(words(about))):
        having = sum(word in count for count in counts)
        weight = log(1 + (len(texts) - having + 0.5) / (having + 0.5))
        for place, count in enumerate(counts):
            often = count[word]
            damped = often + K1 * (1 - B + B * lengths[place] / mean)
            scores[place] += weight * often * (K1 + 1) / damped
    return scores
