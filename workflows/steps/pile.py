"""A pile of documents: too many for one history, they are read as a spread; and the summary."""

from collections.abc import Mapping

from workflows.calls import SPREAD_RESULTS, ask
from workflows.data.aggregate import Aggregated
from workflows.data.document_analysis import (
    LISTED,
    AnalysisCase,
    DocumentsSummary,
    DocumentVerdict,
    ReadingOrder,
)
from workflows.data.spread import ItemState, ResultQuery, SpreadResult
from workflows.patterns.spread import results_of, spread, tolerating
from workflows.patterns.synthesis import Asked, Synthesis
from workflows.prompts import document_analysis as prompts
from workflows.rules.document_analysis import Tally, summary_by_code
from workflows.steps.reading import read_document


async def read_pile(
    case: AnalysisCase, orders: Mapping[str, ReadingOrder], tally: Tally
) -> SpreadResult:
    """Read documents as items of a spread, and count their results page by page.

    It stops early when more stay unread than the case tolerates.
    """
    done = await spread(
        "documents",
        orders,
        read_document,
        window=case.at_once,
        tolerate=tolerating(share=case.tolerate),
        redrive=case.redrive,
    )
    async for _, found in results_of(done, DocumentVerdict):
        tally.add(found)
    lost = ResultQuery(ref=done.ref, state=ItemState.FAILED, limit=LISTED)
    for failed in (await ask(SPREAD_RESULTS, lost)).results:
        tally.missed(failed.key, failed.error)
    tally.more_unread = done.failed + done.not_run - len(tally.unread)
    return done


async def summarised(tally: Tally, model: Asked[DocumentsSummary]) -> Aggregated[DocumentsSummary]:
    """Have a model summarise; without one the totals speak for themselves."""
    results = tally.results()
    writing = Synthesis(
        "documents-summary",
        results,
        DocumentsSummary,
        task=prompts.SUMMARY,
        otherwise=summary_by_code,
    )
    return await writing(results, model)
