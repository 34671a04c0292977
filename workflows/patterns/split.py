"""Split a long text into parts: at paragraphs, sentences or words, and losing nothing."""

import re

from workflows.data.context import Part
from workflows.data.tokens import MOST, fitting, tokens
from workflows.errors import Misuse
from workflows.patterns.checks import is_whole

_BORDERS = tuple(
    re.compile(border)
    for border in (
        r"\n[^\S\n]*\n\s*",  # between paragraphs
        "(?<=[.!?;:])\\s+|\\n|(?<=[\u3002\uff01\uff1f])",  # after a sentence
        r"\s+",
    )
)


def split(text: str, size: int, overlap: int = 0) -> tuple[Part, ...]:
    """Cut a text into parts of at most `size` tokens, each beginning up to `overlap` tokens before
    the end of the one before it.

    Together the parts hold every character of the text; one sign may take three tokens by itself.
    A part ends at the last paragraph's end in its second half, else the last sentence's, else the
    last word's, else where it is full. Raises Misuse.
    """
    if not is_whole(size) or size < 1:
        raise Misuse(f"parts of size={size!r} hold nothing; give whole tokens, 1 or more")
    if not is_whole(overlap) or not 0 <= overlap <= size // 2:
        raise Misuse(f"overlap={overlap!r} goes from 0 to half the size of a part, {size // 2}")
    cuts = [0]
    spans: list[tuple[int, int]] = []
    while cuts[-1] < len(text):
        start = _start(text, cuts, overlap)
        if (full := fitting(text, size, start)) <= cuts[-1]:  # no room for anything new
            start, full = cuts[-1], fitting(text, size, cuts[-1])
        end = _end(text, start, cuts[-1], full)
        spans.append((start, end))
        cuts.append(end)
    digits = len(str(len(spans)))
    return tuple(
        Part(name=f"part-{number:0{digits}}", start=start, end=end, text=text[start:end])
        for number, (start, end) in enumerate(spans, 1)
    )


def _start(text: str, cuts: list[int], overlap: int) -> int:
    """Find where the next part begins: the earliest border from which only the overlap is left."""
    cut = cuts[-1]
    if not overlap or len(cuts) < 2:
        return cut
    earliest = max(cuts[-2], cut - overlap * MOST)
    for border in _BORDERS[1:]:
        for place in (found.end() for found in border.finditer(text, earliest, cut)):
            if place < cut and tokens(text[place:cut]) <= overlap:
                return place
    return cut


def _end(text: str, start: int, fresh: int, full: int) -> int:
    """Find where a part ends that is `full` there; `fresh` is where the one before it ended."""
    if full >= len(text):
        return len(text)
    half = max((start + full) // 2, fresh)
    for border in _BORDERS:
        if places := [f.end() for f in border.finditer(text, half, full) if f.end() > half]:
            return places[-1]
    return full
