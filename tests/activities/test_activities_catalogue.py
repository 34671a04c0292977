"""The catalogue: what stands in `llm.toml`, what it costs, and what is said when it is wrong."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.catalogue import Catalogue, CatalogueError, UnknownPrice, load, read
from runtime.settings import ROOT
from workflows.data.limits import Limits
from workflows.data.llm import Dialect, ModelFacts, ModelRef, ModelRequest, Prompt, Usage, Vendor

DAY = date(2026, 11, 1)
SHIPPED = load(ROOT / "llm.toml")

GOOD = """
[defaults]
limits = { concurrency = 9 }
[vendors.openai]
dialect = "openai-responses"
base_url = "https://api.openai.example/v1"
key = "OPENAI_API_KEY"
batch_discount = 0.5
limits = { requests = 500, tokens = 200_000 }
[vendors.local]
dialect = "openai-chat"
base_url = "http://localhost:11434/v1"
[models.big]
vendor = "openai"
name = "Big"
window = 1_000
max_output = 100
limits = { requests = 10, per = 1 }
speed = { first_token = 1, tokens_per_second = 50, p95 = 8.5 }
quality = 0.9
[[models.big.prices]]
since = 2026-01-01
input = 2.0
cached = 0.5
output = 10
[[models.big.prices]]
since = 2027-01-01
input = 4
cached = 1
cache_write = 5
output = 20
above = { tokens = 100, input = 8, cached = 2, output = 30 }
[models.own]
vendor = "local"
name = "Own"
id = "own:7b"
[roles]
analyst = ["big"]
"""


def small() -> Catalogue:
    return read(GOOD.encode(), "x.toml")


def test_the_shipped_catalogue_serves_every_role_by_every_vendor() -> None:
    assert {"triage", "analyst", "reviewer", "judge", "drafter"} <= set(SHIPPED.roles)
    book = SHIPPED.book(("triage", "analyst", "reviewer"), DAY)
    firsts = [chain.models[0].vendor for chain in book.chains]
    assert firsts == [Vendor.GEMINI, Vendor.OPENAI, Vendor.ANTHROPIC]
    for chain in SHIPPED.book(tuple(SHIPPED.roles), DAY).chains:
        assert {ref.vendor for ref in chain.models} == set(Vendor)
    assert len(book.catalogue_sha256) == 64
    assert SHIPPED.vendors_in_use == tuple(Vendor)


def test_a_book_holds_the_facts_of_its_models_on_the_day() -> None:
    book = SHIPPED.book(("triage", "reviewer"), DAY)
    flash = ModelRef(vendor="gemini", model="gemini-3.8-flash")
    assert len(book.facts) == 3
    facts = book.facts_of(flash)
    assert (facts.window, facts.max_output, facts.p95) == (1_048_576, 65_536, 10)
    assert (facts.usd_in, facts.usd_out) == (Decimal("0.75"), Decimal("3.75"))
    later = SHIPPED.book(("triage",), date(2027, 1, 1)).facts_of(flash)
    assert (later.usd_in, later.usd_out) == (Decimal("1.50"), Decimal("7.50"))
    stranger = ModelRef(vendor="acme", model="x")
    assert book.facts_of(stranger) == ModelFacts(target=stranger)
    with pytest.raises(KeyError, match="poet"):
        SHIPPED.book(("poet",), DAY)


def test_what_is_not_written_down_is_unknown() -> None:
    facts = small().facts("own", DAY)
    assert facts.model_dump(exclude={"target"}) == {
        "window": 0,
        "max_output": 0,
        "usd_in": None,
        "usd_out": None,
        "p95": None,
        "p95_snapshot": 0,
        "quality": None,
    }
    assert small().speed("own") is None
    assert small().vendors_in_use == ("openai",), "no role names a model of the local server"


def test_limits_are_those_of_the_vendor_or_of_the_model() -> None:
    catalogue = small()
    assert catalogue.limits("openai") == Limits(requests=500, tokens=200_000)
    assert catalogue.limits("openai", "big") == Limits(requests=10, per=1)
    assert catalogue.limits("local") == Limits(concurrency=9), "the default"
    assert catalogue.limits("local", "big").unlimited, "another vendor's model"
    assert catalogue.limits("gleif").unlimited


def test_a_vendor_is_asked_for_the_name_it_knows() -> None:
    prompt = Prompt(name="p", version=1, system="", user="?", answer="")
    for model, known in (("own", "own:7b"), ("big", "big")):
        asked = ModelRequest(target=small().ref(model), prompt=prompt)
        sent = small().as_sent(asked)
        assert sent.target.model == known
        assert sent.model_copy(update={"target": asked.target}) == asked
    assert small().dialect("local") is Dialect.OPENAI_CHAT


def test_speed_gives_the_seconds_of_an_answer() -> None:
    speed = small().speed("big")
    assert speed is not None
    assert speed.seconds(100) == 3.0


# ---- prices ---------------------------------------------------------------------------------


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
    # In 2026: 3 fresh at 2, 2 cached at 0.5, 1 out at 10, of which reasoning is a part.
    assert small().usd("big", usage, day) == Decimal(usd)


def test_more_cached_than_sent_costs_no_less_than_nothing() -> None:
    usage = Usage(input_tokens=1, cached_tokens=5)
    assert small().usd("big", usage, date(2026, 6, 1)) == Decimal("0.0000025")


PRICED = [
    # model, usage, batch, US dollars by hand from the vendor's list
    ("gpt-6.1-terra", {"input_tokens": 1_000_000 - 728_000}, False, "0.272"),
    ("gpt-6.1-terra", {"input_tokens": 272_001}, False, "0.544002"),
    ("gpt-6.1-terra", {"input_tokens": 272_001, "output_tokens": 1000}, False, "0.551502"),
    ("gpt-6.1-terra", {"input_tokens": 3000, "cached_tokens": 2000}, False, "0.0011"),
    ("gpt-6.1-terra", {"input_tokens": 3000, "cache_write_tokens": 2000}, False, "0.0035"),
    ("gpt-6.1-terra", {"input_tokens": 3000, "output_tokens": 100}, True, "0.00175"),
    (
        "claude-sonnet-5-5",
        {"input_tokens": 10, "cached_tokens": 3, "cache_write_tokens": 5, "output_tokens": 1},
        False,
        "0.0000271",
    ),
    ("claude-haiku-5-5", {"input_tokens": 100_000, "output_tokens": 10}, False, "0.010005"),
    ("claude-haiku-5-5", {"input_tokens": 100_001, "output_tokens": 10}, False, "0.0500255"),
    ("gemini-3.8-flash", {"output_tokens": 7, "reasoning_tokens": 6}, False, "0.00002625"),
    ("gemini-3.1-pro-preview", {"input_tokens": 200_001}, True, "0.400002"),
    ("ollama/gpt-oss-20b", {"input_tokens": 9, "output_tokens": 9}, True, "0"),
    ("groq/gpt-oss-120b", {"input_tokens": 1, "output_tokens": 1}, True, "0.00000075"),
]


@pytest.mark.parametrize(("model", "usage", "batch", "usd"), PRICED)
def test_the_shipped_prices_are_exact(
    model: str, usage: dict[str, int], batch: bool, usd: str
) -> None:
    assert SHIPPED.usd(model, Usage(**usage), DAY, batch=batch) == Decimal(usd)


def test_gemini_costs_double_from_the_new_year() -> None:
    usage = Usage(input_tokens=1_000_001, output_tokens=1_000_001)
    old = SHIPPED.usd("gemini-3.8-flash", usage, date(2026, 12, 31))
    new = SHIPPED.usd("gemini-3.8-flash", usage, date(2027, 1, 1))
    assert (old, new) == (Decimal("4.5000045"), Decimal("9.000009"))


def test_an_unknown_price_is_an_error_only_where_money_is_counted() -> None:
    usage = Usage(input_tokens=1)
    assert SHIPPED.usd("openrouter/auto", usage, DAY) is None
    assert SHIPPED.facts("openrouter/auto", DAY).usd_in is None
    with pytest.raises(UnknownPrice, match=r"models\.openrouter/auto: has no prices.*write them"):
        SHIPPED.price_or_error("openrouter/auto", DAY)
    with pytest.raises(UnknownPrice):
        SHIPPED.worst_usd("openrouter/auto", 1, 1, DAY)


TOKENS = st.integers(min_value=0, max_value=300_000)


@given(model=st.sampled_from(sorted(SHIPPED.models)), sent=TOKENS, out=TOKENS, data=st.data())
def test_no_reply_costs_more_than_the_worst(
    model: str, sent: int, out: int, data: st.DataObject
) -> None:
    if SHIPPED.price(model, DAY) is None:
        return
    cached = data.draw(st.integers(0, sent))
    written = data.draw(st.integers(0, sent - cached))
    usage = Usage(
        input_tokens=sent, cached_tokens=cached, cache_write_tokens=written, output_tokens=out
    )
    spent = SHIPPED.usd(model, usage, DAY)
    assert spent is not None
    assert spent <= SHIPPED.worst_usd(model, sent, out, DAY)


def test_the_three_lines_of_the_page_plug_in_a_vendor() -> None:
    page = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    top, role = page.split("```toml\n")[1].split("```")[0].split("[roles]\n")
    shipped = (ROOT / "llm.toml").read_text(encoding="utf-8")
    old = next(line for line in shipped.splitlines() if line.startswith("analyst = "))
    catalogue = read((top + shipped.replace(old, role)).encode(), "llm.toml")
    assert catalogue.vendors_in_use[0] == "acme"
    assert catalogue.book(("analyst",), DAY).chains[0].models[0].model == "acme-large"


# ---- mistakes -------------------------------------------------------------------------------

BAD = [
    ('[models.big]\nvendor = "openai"', '[models.big]\nvendor = "acme"', r"models\.big: .*acme"),
    ("cached = 0.5\n", "", r"models\.big\.prices\.0\.cached: is missing"),
    ("input = 2.0", "input = -1", r"models\.big\.prices\.0\.input: .*greater"),
    ('name = "Big"', 'name = "Big"\nsize = 3', r"models\.big\.size: is not a known field"),
    ('["big"]', '["small"]', r"roles\.analyst: model 'small' .*; use one of big, own"),
    ('["big"]', '["big", "big"]', r"roles\.analyst: names a model twice"),
    ('["big"]', "[]", r"roles\.analyst: .*at least 1"),
    ("since = 2027-01-01", "since = 2025-01-01", r"models\.big\.prices: write them oldest first"),
    ("since = 2027-01-01", "since = 2026-01-01", r"models\.big\.prices: .*each with its own day"),
    ("[roles]", "[roles", r"is not TOML"),
    ("[roles]\n", "[others]\n", r"roles: is missing"),
    ("window = 1_000", "window = 99", r"models\.big: max_output is more than the window"),
    ("https://api", "ftp://api", r"vendors\.openai: base_url .*write it as https"),
    ("https://api.openai.example/v1", "api.openai.example", r"vendors\.openai: base_url"),
    ("https://api", "http://api", r"vendors\.openai: the key would travel in the clear"),
    ('"OPENAI_API_KEY"', '"sk-123"', r"vendors\.openai\.key: .*pattern"),
    ('"openai-responses"', '"telex"', r"vendors\.openai\.dialect: .*openai-chat"),
    ("[vendors.local]", "[vendors.Local]", r"vendors\.Local: .*pattern"),
    ('key = "OPENAI_API_KEY"', 'quirks = ["odd"]', r"vendors\.openai\.quirks\.0: .*'max-tokens'"),
    ("[vendors.local]", '[vendors.local]\nquirks = ["background"]', r"local: .*not of openai-chat"),
    ("batch_discount = 0.5", "batch_discount = 1", r"vendors\.openai\.batch_discount: .*less"),
    ("requests = 500", "requests = -1", r"vendors\.openai\.limits\.requests: .*greater"),
    ("quality = 0.9", "quality = 9", r"models\.big\.quality: .*less"),
    ("p95 = 8.5", "p95 = 0", r"models\.big\.speed\.p95: .*greater"),
    ("tokens = 100,", "tokens = 0,", r"models\.big\.prices\.1\.above\.tokens: .*greater"),
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


@pytest.mark.parametrize("page", ["README.md", "docs/models.md"])
def test_the_lines_that_plug_in_a_vendor_do(page: str) -> None:
    """Two at the top of the shipped file, and the role's, as the page writes them."""
    (block,) = re.findall(r"```toml\n(.*?acme.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    vendor, model, *_, last = block.strip().splitlines()
    role = last[last.index("analyst") :]
    shipped = (ROOT / "llm.toml").read_text("utf-8")
    changed = re.sub(r"(?m)^analyst = .*$", role, shipped)
    assert changed != shipped
    catalogue = read(f"{vendor}\n{model}\n{changed}".encode(), "llm.toml")
    first = catalogue.book(("analyst",), date(2026, 11, 27)).chains[0].models[0]
    assert (first.vendor, first.model) == ("acme", "acme-large")
    assert catalogue.vendors["acme"].key == "ACME_KEY"
