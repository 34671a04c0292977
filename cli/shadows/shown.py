"""How a comparison looks: a line for each case, what differs, and the verdict."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from insight.statistics.pairs import SURE, Pair, Verdict
from workflows.data.common import JSON

FIELDS = 10
"""Differences of one case that are shown; `--json` has all."""
WIDTH = 60


def shown(pairs: Sequence[Pair], verdict: Verdict) -> RenderableType:
    """Show all of it."""
    return Group(_cases(pairs), *_fields(pairs), Text(), *map(Text, lines(pairs, verdict)))


def plain(pairs: Sequence[Pair], verdict: Verdict) -> dict[str, Any]:
    """Give all of it as JSON."""
    told = verdict.model_dump(mode="json")
    return {
        "verdict": told,
        "paid": round(sum(pair.paid for pair in pairs), 6),
        "pairs": [{**pair.model_dump(mode="json"), "agrees": pair.agrees} for pair in pairs],
    }


def lines(pairs: Sequence[Pair], verdict: Verdict) -> Iterator[str]:
    """Say in words what it comes to."""
    yield f"{verdict.word}: {'; '.join(verdict.because)}"
    yield (
        f"{verdict.agree} of {verdict.cases} cases agree; {SURE:.0%} sure: at least"
        f" {verdict.at_least:.0%} of all such cases do"
    )
    for d in verdict.measures:
        p = "" if d.p is None else f", p {d.p:.2g}"
        yield f"{d.name}: {d.before:.4g} -> {d.after:.4g} {d.unit} (medians, {d.finding}{p})"
    noted, acted = sum(len(pair.effects) for pair in pairs), sum(pair.acted for pair in pairs)
    yield f"effects: {acted} in the ledger, {noted} only noted"
    if unpaid := len(pairs) - verdict.cases:
        yield f"{unpaid} not judged: no money was left for them"
    if unknown := sum(pair.untold for pair in pairs):
        yield f"whether the other side would take them was never asked for {unknown} of them"
    yield f"paid for this: ${sum(pair.paid for pair in pairs):.4f}"


def _cases(pairs: Sequence[Pair]) -> Table:
    table = Table("case", "agrees", "seconds", "US$", "confidence", box=None, pad_edge=False)
    for pair in pairs:
        said = "yes" if pair.agrees else pair.why or _why(pair)
        values = ((getattr(m, n) for m in (pair.baseline, pair.measured)) for n in _MEASURES)
        table.add_row(pair.case, said, *(" -> ".join(map(_figure, both)) for both in values))
    return table


_MEASURES = ("seconds", "usd", "confidence")


def _why(pair: Pair) -> str:
    acts = pair.expected is not None and pair.expected != pair.effects
    count = len(pair.differences)
    told = [f"{count} field{'s' if count > 1 else ''}"] if count else []
    return "no: " + " and ".join([*told, *(["effects"] if acts else [])])


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"


def _fields(pairs: Sequence[Pair]) -> Iterator[Text]:
    for pair in pairs:
        if pair.agrees or pair.why:
            continue
        yield Text(f"\n{pair.case}", style="bold")
        for d in pair.differences[:FIELDS]:
            yield Text(f"  {d.field}: {_short(d.baseline)} -> {_short(d.candidate)}")
        if (more := len(pair.differences) - FIELDS) > 0:
            yield Text(f"  ... and {more} more, see --json")
        if pair.expected is not None and pair.expected != pair.effects:
            told = (" ".join(effects) or "none" for effects in (pair.expected, pair.effects))
            yield Text(f"  effects: {' -> '.join(told)}")


def _short(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}..."
