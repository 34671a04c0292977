"""The reading of one document by several models at once, as a step that may run fused."""

from dataclasses import replace
from datetime import timedelta

from workflows.calls import READ_DOCUMENT, ask
from workflows.data.common import CostView
from workflows.data.document_analysis import (
    BusinessDocument,
    DocumentReading,
    DocumentVerdict,
    ReadingOrder,
)
from workflows.data.llm import RoleChain
from workflows.errors import ModelUnavailable, reasons
from workflows.grades import step
from workflows.patterns.clock import now
from workflows.patterns.consult import Terms
from workflows.patterns.join import join
from workflows.patterns.outcome import Joined
from workflows.patterns.respondents import Asking, models_of
from workflows.patterns.until import all_settled
from workflows.prompts import document_analysis as prompts
from workflows.rules import document_analysis as rules


@step("read-document", ReadingOrder, DocumentVerdict)
async def read_document(order: ReadingOrder) -> DocumentVerdict:
    """Ask every model of the role what the document says, and count what they agree on.

    Each model is asked itself, without a stand-in: another model's answer read twice would be one
    vote counted twice. If too few answer to agree on anything, the others are asked once more,
    and waited for. Raises ModelUnavailable, with what was spent, if none answered in time.
    """
    text = await whole(order.document)
    askings, until = _askings(order, text, order.readers), now() + order.patience
    joined = await _answers(askings, order.patience)
    silent = [a.name for a in askings if a.found is None and not a.usd]
    if silent and len(joined.values) < rules.AGREE and (left := until - now()) > timedelta(0):
        models = tuple(m for m in order.readers.models if m.model in silent)
        chain = order.readers.model_copy(update={"models": models})
        again = _askings(order, text, chain, patient=True)
        others = await _answers(again, left)
        joined = replace(joined, branches={**joined.branches, **others.branches})
        askings += again
    if not joined.values:
        errors = [o.error for o in joined.branches.values() if o.error is not None]
        why = reasons(errors) or f"nobody answered within {order.patience}"
        lost = {"usd": str(sum(a.usd for a in askings))}
        raise ModelUnavailable(f"document {order.document.id!r}: nobody has read it: {why}", lost)
    return rules.verdict(order.document, text, order.topics, joined, _cost(order, askings))


def _askings(
    order: ReadingOrder, text: str, readers: RoleChain, *, patient: bool = False
) -> list[Asking[DocumentReading]]:
    prompt, terms = prompts.reading(order.document, text, order.topics), Terms(budget=order.budget)
    models = models_of(readers, prompt, DocumentReading, terms=terms, patient=patient)
    return [Asking(model) for model in models]


async def _answers(askings: list[Asking[DocumentReading]], patience: timedelta) -> Joined:
    branches = [asking.branch() for asking in askings]
    return await join(branches, until=all_settled(), deadline=patience)


async def whole(document: BusinessDocument) -> str:
    """Give a document's text, from the store if it is kept there."""
    if document.kept is None:
        return document.text or ""
    return (await ask(READ_DOCUMENT, document.kept)).text or ""


def _cost(order: ReadingOrder, askings: list[Asking[DocumentReading]]) -> CostView:
    usages = [a.found.answer.usage for a in askings if a.found]
    usd = sum((a.usd for a in askings), CostView().usd)
    return CostView(
        calls=len(usages),
        input_tokens=sum(u.input_tokens for u in usages),
        output_tokens=sum(u.output_tokens for u in usages),
        usd=usd,
        by_branch={order.document.id: usd},
    )
