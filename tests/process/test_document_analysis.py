"""Document analysis on a real server: votes, what is missing, a spread and its redrive."""

from typing import Any

import pytest

from simulator.config import Fault, FaultKind
from tests.support.world import World, example
from workflows.data.common import StatusView
from workflows.data.document_analysis import AnalysisCase, AnalysisResult

pytestmark = pytest.mark.server


def case(**changes: Any) -> AnalysisCase:
    return example("document-analysis/suppliers", AnalysisCase, **changes)


def down(*vendors: str) -> list[Fault]:
    return [Fault(service=vendor, kind=FaultKind.DOWN) for vendor in vendors]


async def billed(here: World) -> int:
    return sum((await here.book())["billed"].values())


async def analysed(here: World, given: AnalysisCase) -> AnalysisResult:
    handle = await here.begin("document-analysis", given)
    result = await here.done(handle, AnalysisResult)
    status = StatusView.model_validate(await handle.query("status"))
    whole = result.totals.agreed == result.totals.documents
    assert status.outcome == ("complete" if whole else "with open documents")
    return result


async def test_three_models_read_each_document_and_one_summary_cites_them(here: World) -> None:
    """Every call is paid once, and the totals, quotes and claims rest on the documents."""
    given = case()
    result = await analysed(here, given)
    assert (result.totals.documents, result.totals.agreed) == (6, 6)
    assert result.totals.by_risk == {"high": 2, "low": 2, "medium": 2}
    first = result.documents[0]
    assert (first.id, first.kind, first.sentiment) == ("complaint-hull", "complaint", "negative")
    assert (first.agreement, first.votes["risk"]) == (1, {"high": 3})
    texts = {d.id: " ".join((d.text or "").split()) for d in given.documents}
    assert all(t.quote in texts[d.id] for d in result.documents for t in d.topics)
    assert "Quayside Retail Ltd" in first.parties
    assert result.summary.by == "model"
    assert result.summary.is_whole
    cited = {c for claim in result.summary.value.claims for c in claim.cites}
    assert {"all documents", "complaint-hull"} <= cited
    assert await billed(here) == result.cost.calls == 6 * 3 + 1


async def test_two_vendors_down_leave_every_document_disputed_in_a_spread(here: World) -> None:
    """The word of one model is no agreement; the summary is told which documents are partial."""
    await here.faults(*down("openai", "gemini"))
    result = await analysed(here, case(spread_from=2))
    assert (result.totals.agreed, result.totals.disputed) == (0, 6)
    assert all(set(d.missing) == {"gpt-6.1-terra", "gemini-3.8-flash"} for d in result.documents)
    assert len(result.summary.partial) == 6
    assert await billed(here) == result.cost.calls == 6 + 1


async def test_what_no_money_reads_is_told_and_no_summary_made_up(here: World) -> None:
    """A budget that pays for nothing: every document is unread, with the reason."""
    result = await analysed(here, case(models={"budget_usd": "0.0001"}))
    assert result.totals.unread == result.totals.documents == 6
    assert all("BudgetSpent" in lost.why for lost in result.unread)
    assert result.summary.by == "code"
    assert "6 unread" in result.summary.value.headline
    assert await billed(here) == 0
