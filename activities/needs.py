"""What leave a call needs, from whom it is made for."""

from runtime.context import CallContext
from store.fairness import Need


def need_of(context: CallContext, service: str, model: str = "", tokens: int = 0) -> Need:
    """Say what a call of this context needs leave for."""
    return Need(
        service,
        model,
        tokens,
        tenant=context.tenant,
        weight=context.weight,
        priority=context.priority,
    )
