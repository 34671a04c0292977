"""Short answers taken from a text, word for word: its sentences that say most of its words."""

import re
from collections import Counter

_END = re.compile(r"(?<=[.!?])\s+|\n+")
_MARKS = re.compile(r"</?documents>|[{}\[\]\"]|\\n")
_WORD = re.compile(r"[^\W\d_]{4,}")
LONGEST = 600
"""Characters an answer has at most."""


def extract(text: str, most: int = 2) -> str:
    """Give at most so many sentences of a text, in their order; empty for a text without words."""
    sentences = [s.strip(" ,:") for s in _END.split(_MARKS.sub(" ", text))]
    said = [(place, s) for place, s in enumerate(sentences) if _WORD.search(s)]
    common = Counter(word.lower() for _, s in said for word in _WORD.findall(s))

    def weight(sentence: str) -> float:
        words = _WORD.findall(sentence)
        return sum(common[word.lower()] for word in words) / (len(words) + 5)

    best = sorted(said, key=lambda found: (-weight(found[1]), found[0]))[:most]
    return " ".join(sentence for _, sentence in sorted(best))[:LONGEST]


def reply(text: str) -> str:
    """Answer in free text: what the text itself says, or that it says nothing."""
    said = extract(text, most=3)
    if len(_END.split(text.strip())) > 1:
        return said
    return f"The question was: {said} There is no text with it to answer from."
