"""Content production on a real server: the piece, each task failing, and the late brief."""

import pytest

from simulator.config import Fault, FaultKind
from tests.support.world import World, example
from workflows.data.content_production import ContentOrder, ContentOutcome, ContentPiece

pytestmark = pytest.mark.server
ORDER = example("content-production/heat_pumps", ContentOrder)
NEEDS = {
    "research": {"brief"},
    "outline": {"research"},
    "facts": {"research"},
    "draft": {"outline", "facts"},
    "figures finished": {"draft", "figures begun"},
    "layout": {"draft", "figures finished"},
    "check": {"layout"},
    "handing over": {"check"},
}


async def written(
    here: World, order: ContentOrder
) -> tuple[ContentPiece, dict[str, dict[str, str]]]:
    """Have a piece written; each task began in the very workflow task its last need ended in."""
    handle = await here.begin("content-production", order)
    piece = await here.done(handle, ContentPiece)
    branches = {b["name"]: b for b in await handle.query("branches")}
    for name, needed in NEEDS.items():
        if name in branches and needed <= branches.keys():
            assert branches[name]["started"] == max(branches[n]["ended"] for n in needed), name
    return piece, branches


async def test_each_task_begins_as_soon_as_what_it_needs_is_there(here: World) -> None:
    """The figures wait for the brief, which comes in time."""
    order = ORDER.model_copy(update={"brief_wait": ORDER.brief_wait * 12})
    piece, branches = await written(here, order)
    assert branches.keys() == {"brief", "figures begun", *NEEDS}
    assert branches["figures begun"]["started"] == branches["brief"]["ended"]
    assert piece.outcome is ContentOutcome.READY, (piece.gaps, piece.objections)
    assert piece.revision
    assert piece.revision.began_with == ("order", "brief")
    assert piece.revision.changed
    assert all(f.cites for f in piece.facts)
    assert piece.announced
    assert (await here.book())["chats"] == 1


async def test_figures_that_may_not_wait_begin_without_the_brief_and_are_revised(
    here: World,
) -> None:
    order = example("content-production/figures_at_once", ContentOrder)
    piece, branches = await written(here, order)
    assert branches["figures begun"]["started"] == branches["brief"]["started"]
    assert piece.revision
    assert piece.revision.began_with == ("order",)
    assert piece.revision.ended_with == ("order", "brief", "draft")
    assert piece.outcome is ContentOutcome.READY


async def refusing(here: World, *answers: str) -> None:
    """Let every vendor refuse to answer the questions for these records."""
    vendors = ("openai", "anthropic", "gemini")
    await here.faults(
        *(
            Fault(service=vendor, kind=FaultKind.REFUSAL, body=f'"{answer}"')
            for vendor in vendors
            for answer in answers
        )
    )


TASKS = {
    "brief": "ContentBrief",
    "research": "ResearchNotes",
    "outline": "ContentOutline",
    "facts": "FactSheet",
    "figures begun": "FigurePlan",
    "figures finished": "FigurePlan",
    "layout": "ContentLayout",
    "check": "PieceCheck",
}


@pytest.mark.parametrize(
    "lost",
    [
        ("brief", "outline", "figures begun", "figures finished", "check"),
        ("research", "facts", "layout"),
    ],
)
async def test_tasks_without_an_answer_are_gaps_and_the_others_go_on(
    here: World, lost: tuple[str, ...]
) -> None:
    await refusing(here, *{TASKS[name] for name in lost})
    piece, branches = await written(here, ORDER)
    assert piece.outcome is ContentOutcome.NEEDS_EDITOR
    assert {n for n, b in branches.items() if b["state"] == "defaulted"} == set(lost)
    assert {g.split(":")[0] for g in piece.gaps} == set(lost)
    assert piece.draft
    assert piece.layout
    assert piece.announced


async def test_without_a_draft_there_is_no_piece_and_the_editors_are_told(here: World) -> None:
    await refusing(here, "ContentDraft")
    piece, branches = await written(here, ORDER)
    assert piece.outcome is ContentOutcome.NOT_WRITTEN
    assert "layout" not in branches
    assert piece.facts
    assert piece.announced


async def test_a_channel_that_is_down_is_told_in_the_piece(here: World) -> None:
    await here.faults(Fault(service="chat", kind=FaultKind.DOWN))
    piece, _ = await written(here, ORDER)
    assert piece.outcome is ContentOutcome.READY
    assert not piece.announced
