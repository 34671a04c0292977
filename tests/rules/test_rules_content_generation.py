"""Content generation without a server: the limits of a piece, and which objections count."""

from decimal import Decimal
from typing import Any

import pytest

from tests.patterns.asking import target
from tests.patterns.virtual import run
from tests.support.world import example
from workflows.data.content_generation import ContentBrief, Objection, Piece, PieceDraft
from workflows.data.llm import ModelAnswer, Prompt, Usage
from workflows.patterns.consult import Consulted
from workflows.rules.content_generation import SPECS, breaches, by_code, standing
from workflows.steps.content_generation import AGAIN, drafted

BRIEF = example("content-generation/cold_store", ContentBrief)


def piece(name: str, *parts: str) -> Piece:
    return Piece(name=name, state="as_drafted", parts=parts)


def objection(name: str, quote: str) -> Objection:
    return Objection(piece=name, quote=quote, why="x")


@pytest.mark.parametrize("name", SPECS)
def test_each_limit_of_a_piece_is_told_when_it_is_passed_and_not_before(name: str) -> None:
    spec = SPECS[name]
    low, high = spec.parts
    full, tags = "x" * spec.longest, ("tag",) * spec.hashtags
    for count in (low, high):
        assert breaches(name, PieceDraft(parts=(full,) * count, hashtags=tags)) == ()
    for count in (low - 1, high + 1):
        (told,) = breaches(name, PieceDraft(parts=("x",) * count))
        assert told == f"it has {count} parts, {low} to {high} are wanted"
    parts = (full + "x", *(" ",) * (low - 1))
    long, *empty, many = breaches(name, PieceDraft(parts=parts, hashtags=(*tags, "tag")))
    assert long.startswith(f"part 1 has {spec.longest + 1} characters")
    assert empty == [f"part {n} is empty" for n in range(2, low + 1)]
    assert many == f"it has {spec.hashtags + 1} hashtags, {spec.hashtags} are allowed"


def test_an_objection_stands_if_its_piece_says_the_words_across_parts_too() -> None:
    pieces = {"thread": piece("thread", "It holds\n12,000", "pallets."), "post": piece("post", "y")}
    said, elsewhere = objection("thread", "holds 12,000  pallets"), objection("post", "12,000")
    unknown, empty = objection("banner", "y"), objection("post", " ")
    kept, dropped = standing((elsewhere, said, unknown, empty), pieces)
    assert (kept, dropped) == ((said,), (elsewhere, unknown, empty))


def test_without_a_model_a_number_is_objected_to_once_if_the_brief_does_not_hold_it() -> None:
    pieces = {
        "thread": piece("thread", "12,480 pallets at 18 degrees.", "On 4 March."),
        "caption": piece("caption", "About 12,000 pallets, 12,000!", "In 2 days."),
    }
    found = by_code(BRIEF, pieces)
    assert [(o.piece, o.quote) for o in found] == [("caption", "12,000"), ("caption", "2")]


def test_a_piece_beyond_its_limits_is_written_once_more_with_what_is_wrong() -> None:
    """Of two drafts that both break a limit the better one is taken, and says so."""
    asked: list[tuple[int, str]] = []
    drafts = [PieceDraft(parts=("",) * 3), PieceDraft(parts=("x" * 301,))]

    async def consult(_role: str, prompt: Prompt, _record: Any, /, *, sample: int = 0) -> Any:
        asked.append((sample, prompt.user))
        answer = ModelAnswer(
            target=target("a"), text="", usage=Usage(), usd=Decimal(0), simulated=True
        )
        return Consulted(drafts[len(asked) - 1], answer)

    sent_back = piece("caption", "12,000 pallets").model_copy(
        update={"objections": (objection("caption", "12,000"),)}
    )
    best = run(drafted(consult, BRIEF, "caption", sent_back))
    assert best.breaches == ("part 1 has 301 characters, 300 are allowed",)
    assert (best.state, best.before) == ("revised", ("12,000 pallets",))
    (first, told), (second, told_again) = asked
    assert AGAIN <= first < second
    assert "part 1 is empty" not in told
    assert "'12,000': x" in told
    assert "'12,000': x; it has 3 parts" in told_again
