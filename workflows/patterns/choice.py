"""Choose among a role's models by price, speed and quality, from the facts in the case's book."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from workflows.data.llm import ModelFacts, RoleBook, RoleChain
from workflows.errors import Misuse

MILLION = 1_000_000


@dataclass(frozen=True)
class Wanted:
    """What a model must be good for: a typical call's tokens, the least quality, and the time in
    which 95 of 100 calls must end. What the catalogue does not say of a model is not relied on.
    """

    input_tokens: int = 3000
    output_tokens: int = 500
    quality: float = 0
    within: timedelta | None = None

    def lacks(self, facts: ModelFacts) -> str:
        """Say what a model lacks; empty if it will do."""
        if self.quality and (facts.quality is None or facts.quality < self.quality):
            return f"quality {_told(facts.quality)}, wanted {self.quality:g}"
        limit = None if self.within is None else self.within.total_seconds()
        if limit is not None and (facts.p95 is None or facts.p95 > limit):
            return f"p95 {_told(facts.p95)} s, wanted {limit:g}"
        if facts.window and self.input_tokens + self.output_tokens > facts.window:
            return f"a window of {facts.window} tokens"
        return ""

    def usd(self, facts: ModelFacts) -> Decimal | None:
        """Price the typical call; None if the price is unknown."""
        if facts.usd_in is None or facts.usd_out is None:
            return None
        return (self.input_tokens * facts.usd_in + self.output_tokens * facts.usd_out) / MILLION


def cheapest(book: RoleBook, role: str, wanted: Wanted) -> RoleChain:
    """Give the chain of the role's models that will do, cheapest first, of unknown price last.

    Equal prices keep the catalogue's order. Raises Misuse, before anything is asked, if none will
    do. Book and so choice are recorded: a replay chooses the same.
    """
    chain = book.chain(role)
    lacking = {model: wanted.lacks(book.facts_of(model)) for model in chain.models}
    left = [model for model in chain.models if not lacking[model]]
    if not left:
        why = "; ".join(f"{model.model} has {lack}" for model, lack in lacking.items())
        raise Misuse(f"role {role!r} has no such model: {why}. Want less, or see llm.toml")
    prices = {model: wanted.usd(book.facts_of(model)) for model in left}
    left.sort(key=lambda model: (prices[model] is None, prices[model] or Decimal(0)))
    return RoleChain(role=role, models=tuple(left))


def _told(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
