"""What the models of a child case cost, as its result tells."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from workflows.data.common import CostView

TELLS = ("cost", "cost_usd", "usd")
"""How results of processes tell it: whole, or in US dollars alone."""


def cost_in(result: Any) -> CostView:
    """Read the cost of a child case off its result; nothing where it tells none."""
    if not isinstance(result, Mapping):
        return CostView()
    said = next((result[way] for way in TELLS if result.get(way) is not None), Decimal(0))
    try:
        return CostView.model_validate(said if isinstance(said, Mapping) else {"usd": said})
    except ValidationError:
        return CostView()
