"""Content generation on a real server: four pieces, what is sent back, what fails."""

import pytest

from simulator.config import VENDORS, Fault, FaultKind
from tests.support.world import World, example
from workflows.data.content_generation import ContentBrief, ContentGenerated
from workflows.rules.content_generation import SPECS

pytestmark = pytest.mark.server


async def generated(here: World, case: str, **changes: object) -> ContentGenerated:
    """Have a topic written about: all four pieces at once, the edit as soon as they are there."""
    brief = example(f"content-generation/{case}", ContentBrief, **changes)
    handle = await here.begin("content-generation", brief)
    result = await here.done(handle, ContentGenerated)
    branches = {b["name"]: b for b in await handle.query("branches")}
    written = [branches[name] for name in SPECS]
    assert len({b["started"] for b in written}) == 1
    assert branches["edit"]["started"] == max(b["ended"] for b in written)
    return result


async def refusing(here: World, *words: str) -> None:
    """Let every vendor refuse to answer requests that hold these words."""
    refusals = (
        Fault(service=vendor, kind=FaultKind.REFUSAL, body=said)
        for vendor in VENDORS
        for said in words
    )
    await here.faults(*refusals)


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


async def test_a_piece_and_a_revision_that_nobody_writes_are_told(here: World) -> None:
    """The others go on; what was objected to stays as it was, and an editor must see it."""
    await refusing(here, SPECS["newsletter"].form, "'12,000': ")
    result = await generated(here, "cold_store")
    pieces = {p.name: p for p in result.pieces}
    assert pieces["newsletter"].state == "failed"
    assert "no usable answer" in pieces["newsletter"].why
    caption = pieces["caption"]
    assert (caption.state, caption.why.split(":")[0]) == ("as_drafted", "not revised")
    assert "12,000" in caption.parts[0]
    assert [o.quote for o in result.unsettled] == ["12,000"]


async def test_without_an_editor_code_sends_numbers_back_that_nobody_gave(here: World) -> None:
    await refusing(here, '"ConsistencyEdit"')
    result = await generated(here, "cold_store")
    assert result.edit_by == "code"
    assert [p.name for p in result.pieces if p.state == "revised"] == ["caption"]
    assert result.unsettled == ()
