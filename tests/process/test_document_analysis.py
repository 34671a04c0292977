"""Document analysis: votes, what is missing, whom it waits for, and many documents with faults on.

Forty documents; a thousand with BRAID_SOAK=1.
"""

import os
from decimal import Decimal
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from activities.documents import DocumentActivities
from simulator.config import Fault, FaultKind
from store.journal import Journal
from tests.patterns.asking import chain, target
from tests.patterns.virtual import run
from tests.support.world import World, example
from workflows.calls import open_door
from workflows.data.common import Record, StatusView
from workflows.data.document_analysis import (
    AnalysisCase,
    AnalysisResult,
    BusinessDocument,
    DocumentReading,
    ReadingOrder,
)
from workflows.data.documents import Document
from workflows.data.llm import ModelAnswer, ModelRequest, Usage
from workflows.errors import call_failed
from workflows.patterns.consult import CIRCUIT_OPEN
from workflows.steps.reading import read_document

SERVER = pytest.mark.server
MANY = 1000 if os.environ.get("BRAID_SOAK") == "1" else 40


def case(**changes: Any) -> AnalysisCase:
    return example("document-analysis/suppliers", AnalysisCase, **changes)


async def billed(here: World) -> int:
    return sum((await here.book())["billed"].values())


async def analysed(here: World, given: AnalysisCase) -> AnalysisResult:
    handle = await here.begin("document-analysis", given)
    result = await here.done(handle, AnalysisResult)
    status = StatusView.model_validate(await handle.query("status"))
    whole = result.totals.agreed == result.totals.documents
    assert status.outcome == ("complete" if whole else "with open documents")
    return result


@SERVER
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


@SERVER
async def test_two_vendors_away_leave_every_document_disputed_in_a_spread(here: World) -> None:
    """One model is no agreement: the others are asked once more, in vain. The summary is told."""
    await here.faults(*(Fault(service=v, kind=FaultKind.QUOTA) for v in ("openai", "gemini")))
    result = await analysed(here, case(spread_from=2))
    assert (result.totals.agreed, result.totals.disputed) == (0, 6)
    assert all(set(d.missing) == {"gpt-6.1-terra", "gemini-3.8-flash"} for d in result.documents)
    assert len(result.summary.partial) == 6
    assert await billed(here) == result.cost.calls == 6 + 1


@SERVER
async def test_what_no_money_reads_is_told_and_no_summary_made_up(here: World) -> None:
    """A budget that pays for nothing: every document is unread, with the reason.

    The case fails, unless it tolerates that: then the totals speak for themselves.
    """
    poor = case(models={"budget_usd": "0.0001"})
    with pytest.raises(WorkflowFailureError) as failed:
        await analysed(here, poor)
    assert "6 of 6 documents are unread, more than `tolerate` (20%)" in str(failed.value.cause)
    assert "BudgetSpent" in str(failed.value.cause)
    result = await analysed(here, poor.model_copy(update={"tolerate": 1}))
    assert result.totals.unread == result.totals.documents == 6
    assert all("BudgetSpent" in lost.why for lost in result.unread)
    assert result.summary.by == "code"
    assert "6 unread" in result.summary.value.headline
    assert await billed(here) == 0


@SERVER
async def test_each_call_of_many_documents_is_paid_once(here: World) -> None:
    """Three calls a document, of which many are refused at first; texts come by reference too."""
    text = "Dear all, letter no. {} of this year: the truck was late again, and we will complain."
    kept = await DocumentActivities(here.store).keep_document(Document(text=text.format(0)))
    documents = [BusinessDocument(id="letter-0", kept=kept)]
    documents += [BusinessDocument(id=f"letter-{n}", text=text.format(n)) for n in range(1, MANY)]
    await here.faults(
        *(
            Fault(service=vendor, kind=FaultKind.OVERLOADED, share=0.1)
            for vendor in ("openai", "anthropic", "gemini")
        )
    )
    given = case(documents=documents, at_once=20, spread_from=2, tolerate=0)
    handle = await here.begin("document-analysis", given)
    result = await here.done(handle, AnalysisResult)
    assert (result.totals.documents, result.totals.agreed) == (MANY, MANY)
    assert not any(d.missing for d in result.documents)
    calls = 3 * MANY + 1
    book = await here.book()
    assert sum(book["billed"].values()) == result.cost.calls == calls
    assert await Journal(here.store).repeated_paid(handle.id) == 0
    assert sum(book["requests"][vendor] for vendor in book["billed"]) > calls, "there were faults"


# ---- whom it waits for: no server needed ---------------------------------------------------------


class Readers:
    """Models of which those that are `shut` answer only a patient request; counts the asked."""

    def __init__(self, *shut: str) -> None:
        self.shut = shut
        self.asked: list[tuple[str, bool]] = []

    async def __call__(self, _call: Any, request: Record) -> Record:
        assert isinstance(request, ModelRequest)
        name = request.target.model
        self.asked.append((name, request.patient))
        if name in self.shut and not request.patient:
            raise call_failed("ask_model", ApplicationError("it keeps failing", type=CIRCUIT_OPEN))
        said = DocumentReading(
            kind="letter", risk="low", risk_quote="", sentiment="neutral", topics=(), parties=(),
            confidence=0.9,
        )  # fmt: skip
        usd, text = Decimal("0.01"), said.model_dump_json()
        return ModelAnswer(target=target(name), text=text, usage=Usage(), usd=usd, simulated=True)


@pytest.mark.parametrize(
    ("shut", "missing"), [((), 0), (("a",), 1), (("a", "b"), 0), (("a", "b", "c"), 0)]
)
def test_a_broken_vendor_is_waited_for_only_if_too_few_others_answer(
    shut: tuple[str, ...], missing: int
) -> None:
    readers = Readers(*shut)
    given = case()
    order = ReadingOrder(
        document=given.documents[0],
        topics=given.topics,
        readers=chain("a", "b", "c"),
        patience=given.patience,
    )

    async def story() -> Any:
        with open_door(readers):
            return await read_document(order)

    found = run(story())
    assert (len(found.missing), found.disputed) == (missing, ())
    assert found.cost.usd == Decimal("0.01") * (3 - missing)
    assert {name for name, patient in readers.asked if patient} == (set() if missing else set(shut))
