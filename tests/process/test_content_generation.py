"""Content generation on a real server: four pieces, what is sent back, what fails."""

import pytest

from tests.support.world import World, example
from workflows.data.content_generation import ContentBrief, ContentGenerated

pytestmark = pytest.mark.server


async def generated(here: World, case: str, **changes: object) -> ContentGenerated:
    brief = example(f"content-generation/{case}", ContentBrief, **changes)
    return await here.done(await here.begin("content-generation", brief), ContentGenerated)


async def test_a_piece_that_tells_another_number_is_sent_back_once(here: World) -> None:
    """The caption rounds a number: it alone is written anew, and read again."""
    result = await generated(here, "cold_store")
    states = {p.name: p.state for p in result.pieces}
    others = dict.fromkeys(("thread", "post", "newsletter"), "as_drafted")
    assert states == {**others, "caption": "revised"}
    caption = next(p for p in result.pieces if p.name == "caption")
    assert [o.quote for o in caption.objections] == ["12,000"]
    assert ("12,000" in caption.before[0], "12,480" in caption.parts[0]) == (True, True)
    assert (result.unsettled, result.edit_by) == ((), "model")
    assert sum((await here.book())["billed"].values()) == result.cost.calls == 4 + 1 + 1 + 1


async def test_pieces_that_agree_pass_and_money_that_is_gone_is_told(here: World) -> None:
    """Without objections five calls do; without money every piece is missing, with the reason."""
    result = await generated(here, "bakery")
    assert {p.state for p in result.pieces} == {"as_drafted"}
    assert result.cost.calls == 5
    poor = await generated(here, "bakery", models={"budget_usd": "0.0001"})
    assert {p.state for p in poor.pieces} == {"failed"}
    assert all("BudgetSpent" in p.why for p in poor.pieces)
