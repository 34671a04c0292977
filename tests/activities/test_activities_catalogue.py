"""The catalogue: what stands in `llm.toml`, what it costs, and what is said when it is wrong."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from runtime.catalogue import CatalogueError, load, read
from runtime.settings import ROOT
from workflows.data.llm import Usage, Vendor

GOOD = """
[vendors]
openai = { dialect = "openai-responses" }
[models.big]
vendor = "openai"
name = "Big"
[[models.big.prices]]
since = 2026-01-01
input = 2.0
cached = 0.5
output = 10
[[models.big.prices]]
since = 2027-01-01
input = 4
cached = 1
output = 20
[roles]
analyst = ["big"]
"""


def test_the_shipped_catalogue_serves_every_role_by_every_vendor() -> None:
    catalogue = load(ROOT / "llm.toml")
    book = catalogue.book(("triage", "analyst", "reviewer"))
    firsts = [chain.models[0].vendor for chain in book.chains]
    assert firsts == [Vendor.GEMINI, Vendor.OPENAI, Vendor.ANTHROPIC]
    for chain in book.chains:
        assert {ref.vendor for ref in chain.models} == set(Vendor)
    assert len(book.catalogue_sha256) == 64


@pytest.mark.parametrize(
    ("day", "usd"),
    [
        (date(2026, 6, 1), "0.000017"),
        (date(2026, 12, 31), "0.000017"),
        (date(2027, 1, 1), "0.000034"),
        (date(2020, 1, 1), "0.000017"),
    ],
)
def test_a_reply_is_priced_at_the_day(day: date, usd: str) -> None:
    usage = Usage(input_tokens=5, cached_tokens=2, output_tokens=1, reasoning_tokens=1)
    # In 2026: 3 fresh at 2, 2 cached at 0.5, 1 out at 10.
    assert read(GOOD.encode(), "x.toml").usd("big", usage, day) == Decimal(usd)


def test_more_cached_than_sent_costs_no_less_than_nothing() -> None:
    usage = Usage(input_tokens=1, cached_tokens=5)
    assert read(GOOD.encode(), "x").usd("big", usage, date(2026, 6, 1)) == Decimal("0.0000025")


BAD = [
    ('vendor = "openai"', 'vendor = "acme"', r"models\.big: .*acme"),
    ("cached = 0.5\n", "", r"models\.big\.prices\.0\.cached: is missing"),
    ("input = 2.0", "input = -1", r"models\.big\.prices\.0\.input: .*greater"),
    ('name = "Big"', 'name = "Big"\nsize = 3', r"models\.big\.size: is not a known field"),
    ('["big"]', '["small"]', r"roles\.analyst: model 'small' is not in \[models\]; use one of big"),
    ('["big"]', '["big", "big"]', r"roles\.analyst: names a model twice"),
    ('["big"]', "[]", r"roles\.analyst: .*at least 1"),
    ("since = 2027-01-01", "since = 2025-01-01", r"models\.big\.prices: write them oldest first"),
    ("[roles]", "[roles", r"is not TOML"),
    ("[roles]\n", "[others]\n", r"roles: is missing"),
]


@pytest.mark.parametrize(("old", "new", "said"), BAD, ids=[case[2] for case in BAD])
def test_a_mistake_is_named(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(CatalogueError, match=said) as caught:
        read(GOOD.replace(old, new).encode(), "llm.toml")
    assert str(caught.value).startswith("llm.toml: ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none\.toml: cannot be read \(No such file"):
        load(tmp_path / "none.toml")
