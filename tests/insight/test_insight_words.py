"""Numbers as people read them: costs with digits that matter, nouns that agree."""

from decimal import Decimal

import pytest

from insight.shown.words import counted, dollars


@pytest.mark.parametrize(
    ("usd", "written"),
    [
        ("0", "0.0000"),
        ("0.00427300", "0.0043"),
        ("0.00028", "0.0003"),
        ("0.000072", "0.000072"),
        ("0.00000123", "0.0000012"),
        ("12.5", "12.5000"),
        ("1234.567", "1,234.57"),
    ],
)
def test_a_cost_has_the_digits_that_matter(usd: str, written: str) -> None:
    """Four decimals of a call's price; a cheaper one is not nothing."""
    assert dollars(Decimal(usd)) == dollars(float(usd)) == written


def test_one_is_not_plural() -> None:
    """One case, no cases, 1,000 replies."""
    assert counted(1, "case") == "1 case"
    assert counted(0, "case") == "0 cases"
    assert counted(1000, "reply", "replies") == "1,000 replies"
