"""What must be known of a question before it is sent, alone or in a batch: else it is refused."""

from collections.abc import Mapping
from datetime import date

from activities.failures import final
from runtime.catalogue import Catalogue, UnknownPrice
from workflows.data.blueprints.shapes import shape
from workflows.data.budget import Amounts
from workflows.data.common import Record
from workflows.data.llm import ModelRequest


def record_of(
    catalogue: Catalogue, answers: Mapping[str, type[Record]], request: ModelRequest
) -> type[Record] | None:
    """Find the record the answer must fit, None for free text. UnknownModel, UnknownAnswer."""
    target, answer = request.target, request.prompt.answer
    model = catalogue.models.get(target.model)
    if model is None or model.vendor != target.vendor:
        asked = f"{target.vendor} {target.model!r}"
        raise final("UnknownModel", f"{asked} is not in the catalogue; see llm.toml")
    if not answer:
        return None
    if request.prompt.gives:
        return shape(answer, request.prompt.gives)
    if answer not in answers:
        raise final("UnknownAnswer", f"no record is called {answer!r}")
    return answers[answer]


def worst_of(catalogue: Catalogue, request: ModelRequest, tokens: int, day: date) -> Amounts:
    """Say what a question of so many tokens may cost at most. PriceUnknown: no budget pays that."""
    most = request.max_output_tokens
    try:
        usd = catalogue.worst_usd(request.target.model, tokens, most, day)
    except UnknownPrice as unknown:
        raise final("PriceUnknown", str(unknown)) from unknown
    return Amounts(usd=usd, tokens=tokens + most, calls=1)
