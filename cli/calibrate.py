"""`calibrate`: fit a calibration to labelled answers, show it, keep it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.commands import out
from cli.errors import BadInput
from cli.labelled import LabelledFile
from insight.confidence.calibration import Fitted, Wishes, fit_all
from insight.confidence.labelled import with_baseline
from insight.confidence.reliability import Bin
from insight.confidence.thresholds import ENOUGH
from insight.confidence.tiers import Finding, TierLine, quality
from workflows.data.confidence import Calibration, CalibrationBook, Promise, Threshold

BAR = 24
"""Characters of a bar that stands for 1."""
WORTH = 0.7
"""Below this AUROC a cascade is not worth its complexity."""
_COLOURS = {Finding.COSTS: "red", Finding.KEEPS: "green", Finding.UNKNOWN: "yellow"}


def calibrate(
    given: LabelledFile, *, wishes: Wishes, baseline: str, to: Path | None, as_json: bool
) -> None:
    """Fit, show and keep. Raises BadInput for answers that cannot be fitted."""
    answers = list(given.answers)
    if baseline:
        models = sorted({a.model for a in answers if a.model})
        if baseline not in models:
            known = ", ".join(models) or "no model"
            raise BadInput(f"--baseline {baseline!r} answered nothing; the file has {known}")
        answers = with_baseline(answers, baseline)
    try:
        fitted = fit_all(answers, wishes)
    except ValueError as error:
        raise BadInput(str(error)) from error
    tiers = quality(answers)
    book = CalibrationBook(
        fitted_at=datetime.now(UTC),
        source_sha256=given.sha256,
        seed=wishes.seed,
        calibrations=tuple(f.calibration for f in fitted),
    )
    if to is not None:
        _keep(book, to)
    if as_json:
        out(_plain(book, fitted, tiers, given))
    else:
        console = Console()
        console.print(Group(*_shown(fitted, tiers, given)))
        kept = f"kept in {to}" if to else "keep it for a process: --out calibration.json"
        console.print(Text(kept, style="dim"))


def _keep(book: CalibrationBook, to: Path) -> None:
    try:
        to.write_text(book.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{to}: cannot be written ({error.strerror}); name another --out") from error


def _plain(
    book: CalibrationBook, fitted: Sequence[Fitted], tiers: Sequence[TierLine], given: LabelledFile
) -> dict[str, Any]:
    reports = [f.model_dump(mode="json", exclude={"calibration"}) | _named(f) for f in fitted]
    return {
        "book": book.model_dump(mode="json"),
        "reliability": reports,
        "tiers": [line.model_dump(mode="json") for line in tiers],
        "unread": list(given.unread),
    }


def _named(fitted: Fitted) -> dict[str, str]:
    return {"model": fitted.calibration.model, "group": fitted.calibration.group}


def _shown(
    fitted: Sequence[Fitted], tiers: Sequence[TierLine], given: LabelledFile
) -> Iterator[RenderableType]:
    for one in fitted:
        if not one.calibration.group:
            yield from _fit(one)
            yield Text()
    if grouped := [f.calibration for f in fitted if f.calibration.group]:
        yield from (_groups(grouped), Text())
    known = {(f.calibration.model, f.calibration.group) for f in fitted}
    keys = {(a.model, a.group) for a in given.answers} | {(a.model, "") for a in given.answers}
    for model, group in sorted(keys - known):
        name = " ".join(filter(None, (model, group)))
        yield Text(f"{name}: fewer than {ENOUGH} answers; a wider calibration serves it", "yellow")
    if tiers:
        yield from (_tiers(tiers), Text())
    if given.unread:
        yield Text(f"fields not read: {', '.join(given.unread)}", style="dim")


def _fit(fitted: Fitted) -> Iterator[RenderableType]:
    c = fitted.calibration
    name = " ".join(filter(None, (c.model, c.group))) or "all answers"
    head = Text(name, style="bold")
    head.append(f"  {c.n} labelled answers, {c.accuracy:.1%} right", style="not bold")
    yield head
    yield _curve(fitted.bins)
    yield Text(
        f"curve {c.method}; held out: ECE {c.ece_stated:.3f} -> {c.ece:.3f},"
        f" Brier {c.brier_stated:.3f} -> {c.brier:.3f}"
    )
    if c.auroc is not None:
        weak = c.auroc < WORTH
        told = "hardly tells right from wrong: a cascade is not worth it" if weak else "1 is best"
        yield Text(f"AUROC {c.auroc:.2f} ({told})", style="yellow" if weak else "")
    if c.thresholds:
        yield _thresholds(c)
    for promise, why in fitted.missing.items():
        yield Text(f"no threshold for {promise}: {why}", style="yellow")


def _groups(fitted: Sequence[Calibration]) -> Table:
    """Show the calibrations of groups in a line each."""
    table = Table(box=None, pad_edge=False, collapse_padding=True)  # fits 80 columns
    for column in ("group", "model", "answers", "right", "ECE", "AUROC", "accept from", "takes"):
        table.add_column(column, justify="left" if column in ("group", "model") else "right")
    for c in fitted:
        accuracy = c.threshold()
        table.add_row(
            *(c.group, c.model or "all", str(c.n), f"{c.accuracy:.1%}"),
            *(f"{c.ece_stated:.3f} -> {c.ece:.3f}", "" if c.auroc is None else f"{c.auroc:.2f}"),
            *((f"{accuracy.at:.3f}", f"{accuracy.coverage:.0%}") if accuracy else ("none", "")),
        )
    return table


def _curve(bins: Iterable[Bin]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("stated", "answers", "right", "", "calibrated"):
        table.add_column(column, justify="left" if column in ("stated", "") else "right")
    for b in bins:
        table.add_row(
            *(f"{b.low:.1f}-{b.high:.1f}", str(b.n), f"{b.accuracy:.2f} ±{b.error:.2f}"),
            *(_bar(b), f"{b.calibrated:.2f}"),
        )
    return table


def _bar(b: Bin) -> Text:
    """Draw how often it was right, and in light what was stated beyond (or below) that."""
    right, stated = round(b.accuracy * BAR), round(b.stated * BAR)
    bar = Text("█" * min(right, stated), style="cyan")
    bar.append("░" * max(stated - right, 0), style="red")
    bar.append("▓" * max(right - stated, 0), style="green")
    return bar.append("·" * (BAR - max(right, stated)), style="dim")


def _thresholds(c: Calibration) -> Table:
    table = Table(box=None, pad_edge=False, style="green")
    for column in ("promise", "accept from", "(stated)", "takes", "held out", "less one error"):
        table.add_column(column, justify="left" if column == "promise" else "right")
    for t in c.thresholds:
        right = t.promise is Promise.ACCURACY
        told = f"{t.level:.1%} right" if right else f"{t.level:.1%} loss at most"
        sign = "" if right else "+"
        shown = (f"{figure:{sign}.2%}" for figure in (t.observed, t.bound))
        table.add_row(told, f"{t.at:.3f}", _stated(c, t), f"{t.coverage:.0%}", *shown)
    return table


def _stated(c: Calibration, t: Threshold) -> str:
    """Say from which stated confidence on a threshold is reached."""
    lowest = c.lowest_accepted(t.promise)
    return "never" if lowest is None else f"{lowest:.3f}"


def _tiers(lines: Sequence[TierLine]) -> Table:
    table = Table(
        box=None, pad_edge=False, title="complexity against quality", title_justify="left"
    )
    for column in ("tier", "model", "answers", "right", "against best", ""):
        table.add_column(column, justify="right" if column in ("answers", "right") else "left")
    for line in lines:
        compared = ""
        if line.difference is not None and line.error is not None:
            compared = f"{line.difference:+.1%} ±{line.error:.1%}"
        finding = Text(line.finding, style=_COLOURS.get(line.finding, ""))
        table.add_row(line.tier, line.model, str(line.n), f"{line.accuracy:.1%}", compared, finding)
    return table
