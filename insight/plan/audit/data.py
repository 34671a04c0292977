"""Which data flowed: pieces of what a call gave that are found again in what another was asked."""

import json
import re
from collections.abc import Iterable, Iterator

_WORD = re.compile(r"\w+(?:[.,'-]\w+)*")
_RUN = 4
"""Words in a row that are no chance when they come again."""
_TEXT = 4
"""Words without a figure that make a piece of text."""
_SHORT = 3
"""Letters of the shortest value that tells anything."""


def given(texts: Iterable[bytes]) -> set[str]:
    """Give every piece of one to four words that stands in these JSON texts."""
    found: set[str] = set()
    for leaf in _leaves(texts):
        words = _words(leaf)
        for size in range(1, _RUN + 1):
            found |= _pieces(words, size)
    return found


def made(texts: Iterable[bytes]) -> set[str]:
    """Give the pieces by which these JSON texts are known again: short values whole."""
    found: set[str] = set()
    for leaf in _leaves(texts):
        words = _words(leaf)
        if len(words) > _RUN:
            found |= _pieces(words, _RUN)
        elif len(piece := " ".join(words)) >= _SHORT:
            found.add(piece)
    return found


def prose(pieces: Iterable[str]) -> set[str]:
    """Give the pieces that are text: what is left is labels, figures, times and references, which
    may be taken to decide something and are then found nowhere.
    """
    return {piece for piece in pieces if sum(map(str.isalpha, piece.split())) >= _TEXT}


def _pieces(words: list[str], size: int) -> set[str]:
    return {" ".join(words[n : n + size]) for n in range(len(words) - size + 1)}


def _words(leaf: str) -> list[str]:
    return _WORD.findall(leaf.lower())


def _leaves(texts: Iterable[bytes]) -> Iterator[str]:
    for text in texts:
        try:
            todo = [json.loads(text)]
        except (ValueError, RecursionError):
            continue
        while todo:
            value = todo.pop()
            if isinstance(value, dict):
                todo += value.values()
            elif isinstance(value, list):
                todo += value
            elif isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
                todo += _inner(value)
            elif isinstance(value, str | int | float) and not isinstance(value, bool):
                yield str(value)


def _inner(text: str) -> list[object]:
    """Read JSON within a text, as models answer; else give its words."""
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return [text.lstrip().lstrip("{[")]
    return [found]
