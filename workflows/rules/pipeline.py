"""The data pipeline's rules: clean a row, say what is wrong with it, transform it. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from pydantic import ValidationError

from workflows.data.common import JSON
from workflows.data.pipeline import (
    BadRow,
    PipelineOrder,
    PipelineState,
    RowsPage,
    TableRow,
)

FIELDS = ("id", "day", "customer", "amount", "currency", "country")
MOST = Decimal(10) ** 12


@dataclass(frozen=True)
class Batch:
    """A page sorted into what the table takes and what it may not."""

    name: str
    rows: tuple[TableRow, ...]
    bad: tuple[BadRow, ...]
    end: int

    @property
    def bad_share(self) -> float:
        """The share of bad rows, 0 to 1."""
        return len(self.bad) / (len(self.rows) + len(self.bad))


def begin(order: PipelineOrder) -> PipelineState:
    """Say where a run begins: where the last of its schedule ended, or `after` if that is later.

    A last run over another epoch than the order names counts for nothing.
    """
    last = order.last
    named = PipelineState(watermark=order.after, epoch=order.epoch)
    if last is None or (order.epoch and order.epoch != last.epoch):
        return named
    if order.after > last.watermark:
        return named.model_copy(update={"epoch": last.epoch})
    return PipelineState(watermark=last.watermark, epoch=last.epoch, etag=last.etag)


def out_of_order(state: PipelineState, page: RowsPage) -> str:
    """Say why a page cannot follow the watermark; empty if it can."""
    if state.epoch and page.epoch and state.epoch != page.epoch:
        return (
            f"the source counts its rows anew (epoch {page.epoch!r}, no longer {state.epoch!r}), so"
            f" the watermark {state.watermark} means nothing there; see which rows the table should"
            f" keep, then run with `epoch: {page.epoch}` and `after: 0`"
        )
    after = state.watermark
    if page.next < after or (page.rows and page.next == after):
        return (
            f"the source does not go on: {len(page.rows)} rows after {after}, and then the cursor"
            f" {page.next}; mend the source and run again"
        )
    return ""


def seen(state: PipelineState, page: RowsPage) -> PipelineState:
    """Keep what the source calls its count, and the version of a page that has no more rows."""
    etag = "" if page.rows else page.etag
    return state.model_copy(update={"epoch": page.epoch or state.epoch, "etag": etag})


def batch(after: int, page: RowsPage) -> Batch:
    """Clean, validate and transform a page; every row of it ends in one of the two lists."""
    rows, bad, seen = list[TableRow](), list[BadRow](), set[str]()
    for raw in page.rows:
        row = made(raw)
        if isinstance(row, str):
            bad.append(BadRow(row=raw, why=row))
        elif row.id in seen:
            bad.append(BadRow(row=raw, why="the id is in this batch twice"))
        else:
            seen.add(row.id)
            rows.append(row)
    return Batch(f"{after}-{page.next}", tuple(rows), tuple(bad), page.next)


def made(raw: JSON) -> TableRow | str:
    """Make a row for the table, or say in few words why it cannot be made."""
    if not isinstance(raw, Mapping):
        return "it is no record"
    clean = cleaned(raw)
    if lost := [name for name in FIELDS if not clean[name]]:
        return f"{lost[0]} is missing"
    try:
        amount = Decimal(clean["amount"])
    except InvalidOperation:
        return "amount is no number"
    if not amount.is_finite() or abs(amount) >= MOST:
        return "amount is no amount"
    if amount != amount.quantize(Decimal("0.01")):
        return "amount has parts of a cent"
    try:
        day = date.fromisoformat(clean["day"])
        told = {name: clean[name] for name in ("id", "customer", "currency", "country")}
        return TableRow.model_validate({**told, "day": day, "cents": int(amount * 100)})
    except ValidationError as wrong:
        return f"{wrong.errors()[0]['loc'][0]} is malformed"
    except ValueError:
        return "day is no day"


def cleaned(raw: Mapping[str, JSON]) -> dict[str, str]:
    """Write every field as text without space round it; codes in capitals, ids in lower case."""
    text = {n: "" if raw.get(n) is None else " ".join(str(raw[n]).split()) for n in FIELDS}
    codes = {n: text[n].upper() for n in ("currency", "country")}
    return text | codes | {"id": text["id"].lower(), "amount": text["amount"].replace(",", "")}


def advanced(state: PipelineState, done: Batch) -> PipelineState:
    """Move the watermark past a batch that is in the table, and count it."""
    reasons = Counter(state.reasons) + Counter(b.why for b in done.bad)
    return PipelineState(
        watermark=done.end,
        epoch=state.epoch,
        batches=state.batches + 1,
        loaded=state.loaded + len(done.rows),
        set_aside=state.set_aside + len(done.bad),
        reasons=dict(sorted(reasons.items())),
    )


def too_bad(done: Batch, tolerate: float) -> str:
    """Say why a batch may not be loaded; empty if it may."""
    if not done.bad or done.bad_share <= tolerate:
        return ""
    total = len(done.rows) + len(done.bad)
    whys: Sequence[tuple[str, int]] = Counter(b.why for b in done.bad).most_common(3)
    told = ", ".join(f"{why} ({count})" for why, count in whys)
    return (
        f"{len(done.bad)} of {total} rows of batch {done.name} are bad, tolerated are"
        f" {tolerate:.0%}: {told}; mend them at the source, or raise `tolerate`, and run again"
    )
