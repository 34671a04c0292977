"""A long text in parts: nothing is lost, no part is too large, and borders are kept."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.data.tokens import fitting, tokens
from workflows.errors import Misuse
from workflows.patterns.split import split

TEXTS = st.lists(
    st.sampled_from(
        [
            "Due diligence",
            " ",
            "\n\n",
            "\n",
            ". ",
            "x" * 40,
            "1234567",
            "会社。",
            "é",
            "😀",
            "<a>;",
            "  ",
        ]
    )
    | st.text(max_size=5),
    max_size=60,
).map("".join)


@given(TEXTS, st.integers(4, 40), st.integers(0, 20))
@settings(max_examples=150, deadline=None, print_blob=True)
def test_parts_hold_every_character_and_none_is_too_large(text: str, size: int, lap: int) -> None:
    overlap = min(lap, size // 2)
    parts = split(text, size, overlap)
    reached = 0
    for part in parts:
        assert part.start <= reached < part.end, "no gap, and something new"
        assert part.text == text[part.start : part.end]
        assert tokens(part.text) <= size
        assert tokens(text[part.start : reached]) <= overlap
        reached = part.end
    assert reached == len(text)
    assert len({part.name for part in parts}) == len(parts)


@given(TEXTS, st.integers(0, 40), st.integers(0, 10))
@settings(max_examples=150, deadline=None, print_blob=True)
def test_what_fits_is_found(text: str, limit: int, start: int) -> None:
    start = min(start, len(text))
    end = fitting(text, limit, start)
    assert tokens(text[start:end]) <= max(limit, 3), "one sign may take three"
    if end < len(text):
        assert tokens(text[start:]) > limit


def test_parts_end_at_paragraphs_else_at_sentences_else_at_words() -> None:
    paragraphs = "\n\n".join(f"Paragraph {n} says this. It says that." for n in "abcdef")
    assert [p.text[-2:] for p in split(paragraphs, 30)[:-1]] == ["\n\n"] * (
        len(split(paragraphs, 30)) - 1
    )
    sentences = "The register says so and so. " * 12
    assert all(p.text.endswith("so. ") for p in split(sentences, 30))
    words = "register " * 40
    assert all(p.text.endswith("register ") for p in split(words, 30))


def test_parts_overlap_by_whole_sentences() -> None:
    text = "".join(f"Sentence number {n} stands here. " for n in "abcdefghijkl")
    parts = split(text, 40, overlap=10)
    assert len(parts) > 2
    for one, two in pairwise(parts):
        assert two.start < one.end
        assert text[two.start : one.end].startswith("Sentence number")


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (10, 6), (10, -1), (True, 0), (10, 1.5)])
def test_sizes_that_make_no_sense_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(Misuse, match=r"give whole tokens|goes from 0 to half"):
        split("text", size, overlap)
