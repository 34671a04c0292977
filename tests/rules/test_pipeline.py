"""The data pipeline's rules: what is mended, what is set aside and why, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.data.common import JSON
from workflows.data.pipeline import (
    PipelineOrder,
    PipelineOutcome,
    PipelineResult,
    PipelineState,
    RowsPage,
    TableRow,
)
from workflows.rules import pipeline as rules

GOOD: dict[str, JSON] = {
    "id": " Sale-1 ",
    "day": "2026-03-04",
    "customer": "  A   Shop ",
    "amount": "1,234.50",
    "currency": "eur ",
    "country": "de",
}


def test_a_careless_row_is_cleaned() -> None:
    row = rules.made(GOOD)
    assert isinstance(row, TableRow)
    assert (row.id, row.customer, row.cents) == ("sale-1", "A Shop", 123450)
    assert (row.currency, row.country) == ("EUR", "DE")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"amount": "n/a"}, "amount is no number"),
        ({"amount": "NaN"}, "amount is no amount"),
        ({"amount": "1e999999"}, "amount is no amount"),
        ({"amount": "0.005"}, "amount has parts of a cent"),
        ({"country": None}, "country is missing"),
        ({"customer": "   "}, "customer is missing"),
        ({"day": "2026-02-30"}, "day is no day"),
        ({"currency": "EURO"}, "currency is malformed"),
        ({"id": {"a": 1}}, "id is malformed"),
    ],
)
def test_what_cannot_be_mended_is_said(change: dict[str, JSON], why: str) -> None:
    assert rules.made(GOOD | change) == why


def test_an_id_twice_in_a_batch_is_set_aside() -> None:
    done = rules.batch(0, RowsPage(rows=(GOOD, GOOD, "row"), next=3))
    assert [b.why for b in done.bad] == ["the id is in this batch twice", "it is no record"]
    assert done.name == "0-3"


VALUES = st.none() | st.text(max_size=12) | st.floats() | st.integers() | st.booleans()
ROWS = st.lists(VALUES | st.dictionaries(st.sampled_from(rules.FIELDS), VALUES), max_size=8)


@given(ROWS)
def test_every_row_is_loaded_or_set_aside(rows: list[JSON]) -> None:
    done = rules.batch(7, RowsPage(rows=tuple(rows), next=7 + len(rows)))
    assert len(done.rows) + len(done.bad) == len(rows)
    state = rules.advanced(PipelineState(watermark=7), done)
    assert state.loaded + state.set_aside == state.watermark - 7 == len(rows)
    assert sum(state.reasons.values()) == state.set_aside


def test_too_many_bad_rows_name_the_batch_the_reasons_and_the_mend() -> None:
    bad = GOOD | {"day": "never"}
    done = rules.batch(0, RowsPage(rows=(GOOD, bad), next=2))
    assert rules.too_bad(done, 0.5) == ""
    assert rules.too_bad(done, 0.4) == (
        "1 of 2 rows of batch 0-2 are bad, tolerated are 40%: day is no day (1); mend them at the"
        " source, or raise `tolerate`, and run again"
    )


LAST = PipelineState(watermark=7, epoch="a", etag="v")
ENDED = PipelineResult(case="c", outcome=PipelineOutcome.UP_TO_DATE, **LAST.model_dump())


@pytest.mark.parametrize(
    ("given", "last", "begin"),
    [
        ({}, None, PipelineState()),
        ({}, ENDED, LAST),
        ({"after": 3}, ENDED, LAST),
        ({"after": 9}, ENDED, PipelineState(watermark=9, epoch="a")),
        ({"after": 3, "epoch": "a"}, ENDED, LAST),
        ({"after": 3, "epoch": "b"}, ENDED, PipelineState(watermark=3, epoch="b")),
    ],
)
def test_a_run_begins_where_the_last_one_ended_unless_told_otherwise(
    given: dict[str, JSON], last: PipelineResult | None, begin: PipelineState
) -> None:
    order = PipelineOrder.model_validate({"case": "c", "table": "t", "last": last, **given})
    assert rules.begin(order) == begin


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (RowsPage(next=7), ""),
        (RowsPage(next=7, epoch="a"), ""),
        (RowsPage(rows=(GOOD,), next=8, epoch="a"), ""),
        (RowsPage(rows=(GOOD,), next=8, epoch="b"), "run with `epoch: b` and `after: 0`"),
        (RowsPage(rows=(GOOD,), next=7), "1 rows after 7, and then the cursor 7"),
        (RowsPage(next=6), "0 rows after 7, and then the cursor 6"),
    ],
)
def test_a_page_that_cannot_follow_is_noticed(page: RowsPage, why: str) -> None:
    told = rules.out_of_order(LAST, page)
    assert why in told
    assert bool(why) is bool(told)


def test_only_the_version_of_an_empty_page_is_kept() -> None:
    assert rules.seen(PipelineState(), RowsPage(next=0, epoch="a", etag="v")).etag == "v"
    more = rules.seen(LAST, RowsPage(rows=(GOOD,), next=8, etag="w"))
    assert (more.epoch, more.etag) == ("a", "")
    assert rules.advanced(more, rules.batch(7, RowsPage(rows=(GOOD,), next=8))).epoch == "a"
