"""The reading of one document by several models at once, as a step that may run fused."""

from workflows.calls import READ_DOCUMENT, ask
from workflows.data.common import CostView
from workflows.data.document_analysis import (
    BusinessDocument,
    DocumentReading,
    DocumentVerdict,
    ReadingOrder,
)
from workflows.errors import ModelUnavailable, reasons
from workflows.grades import step
from workflows.patterns.consult import Terms
from workflows.patterns.join import join
from workflows.patterns.respondents import Asking, models_of
from workflows.patterns.until import all_settled
from workflows.prompts import document_analysis as prompts
from workflows.rules import document_analysis as rules


@step("read-document", ReadingOrder, DocumentVerdict)
async def read_document(order: ReadingOrder) -> DocumentVerdict:
    """Ask every model of the role what the document says, and count what they agree on.

    Each model is asked itself, without a stand-in: another model's answer read twice would be one
    vote counted twice. Raises ModelUnavailable, with what was spent, if none answered in time.
    """
    text = await whole(order.document)
    prompt = prompts.reading(order.document, text, order.topics)
    terms = Terms(budget=order.budget)
    askings = [Asking(r) for r in models_of(order.readers, prompt, DocumentReading, terms=terms)]
    joined = await join(
        [asking.branch() for asking in askings], until=all_settled(), deadline=order.patience
    )
    if not joined.values:
        errors = [o.error for o in joined.branches.values() if o.error is not None]
        why = reasons(errors) or f"nobody answered within {order.patience}"
        lost = {"usd": str(sum(a.usd for a in askings))}
        raise ModelUnavailable(f"document {order.document.id!r}: nobody has read it: {why}", lost)
    return rules.verdict(order.document, text, order.topics, joined, _cost(order, askings))


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
