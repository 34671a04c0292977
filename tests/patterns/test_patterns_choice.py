"""A role's models by price, speed and quality: what will do comes cheapest first, or it is said."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.data.llm import ModelFacts, ModelRef, RoleBook, RoleChain
from workflows.errors import Misuse
from workflows.patterns.choice import Wanted, cheapest


def facts(model: str, usd: tuple[str, str] | None, **more: float) -> ModelFacts:
    prices = {} if usd is None else dict(zip(("usd_in", "usd_out"), map(Decimal, usd), strict=True))
    target = ModelRef(vendor="v", model=model)
    return ModelFacts.model_validate({"target": target, **prices, **more})


def book(*models: ModelFacts) -> RoleBook:
    chain = RoleChain(role="r", models=tuple(m.target for m in models))
    return RoleBook(chains=(chain,), catalogue_sha256="", facts=models)


KNOWN = book(
    facts("strong", ("4", "20"), p95=25, quality=0.9, window=1_000_000),
    facts("mystery", None, p95=1, quality=1),
    facts("chatty", ("0.1", "40"), p95=10, quality=0.8, window=1_000_000),
    facts("small", ("1", "5"), p95=8, quality=0.7, window=8_000),
    facts("bare", ("0", "0")),
)


def names(chain: RoleChain) -> list[str]:
    return [model.model for model in chain.models]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (Wanted(), ["bare", "small", "chatty", "strong", "mystery"]),
        (Wanted(output_tokens=10), ["bare", "chatty", "small", "strong", "mystery"]),
        (Wanted(quality=0.75), ["chatty", "strong", "mystery"]),
        (Wanted(within=timedelta(seconds=10)), ["small", "chatty", "mystery"]),
        (Wanted(input_tokens=7_900, quality=0.1), ["chatty", "strong", "mystery"]),
    ],
)
def test_what_will_do_comes_cheapest_first(wanted: Wanted, chosen: list[str]) -> None:
    assert names(cheapest(KNOWN, "r", wanted)) == chosen


def test_nothing_that_will_do_is_said_with_what_each_lacks() -> None:
    only = book(facts("a", ("1", "1"), quality=0.5), facts("b", ("1", "1")))
    with pytest.raises(Misuse, match=r"a has quality 0.5, wanted 0.9; b has quality unknown"):
        cheapest(only, "r", Wanted(quality=0.9))
    with pytest.raises(Misuse, match=r"a has p95 unknown s, wanted 3"):
        cheapest(only, "r", Wanted(within=timedelta(seconds=3)))
    with pytest.raises(Misuse, match="a window of 8000 tokens"):
        cheapest(book(facts("small", None, window=8_000)), "r", Wanted(input_tokens=8_000))


@given(prices=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=6))
def test_the_first_is_never_dearer_than_another(prices: list[tuple[int, int]]) -> None:
    models = [facts(f"m{n}", (str(i), str(o))) for n, (i, o) in enumerate(prices)]
    wanted = Wanted()
    chain = cheapest(book(*models), "r", wanted)
    paid = [wanted.usd(book(*models).facts_of(model)) or Decimal(0) for model in chain.models]
    assert paid == sorted(paid)
    assert sorted(names(chain)) == sorted(m.target.model for m in models)
