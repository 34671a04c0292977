"""The drawing tells the truth at any width, with and without colour, in any terminal."""

import io
from datetime import datetime, timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console
from temporalio.api.enums.v1 import EventType as E

from insight.graph.flow import Flow, Segment, Wait
from insight.report import Report, report
from insight.shown.timeline import gantt
from insight.shown.words import length
from tests.insight.builder import Run, at, failure, model_answer


def draw(
    run: Report, width: int, *, times: bool = False, encoding: str = "utf-8", colour: bool = False
) -> str:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    console = Console(
        file=out,
        width=200,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
        legacy_windows=False,
    )
    console.print(gantt(run, width, times=times))
    out.flush()
    return raw.getvalue().decode(encoding)


def checks() -> Run:
    run = Run()
    run.call("company_register", 0, 2_000, branch="identity")
    key = run.schedule("filings", 0, branch="credit")
    run.start(key, 1_000)
    run.fail(key, 2_000, failure("gone", "Rejected"))
    run.call("ask_model", 2_000, 4_000, model_answer("0.0125"), branch="background")
    run.signal("decide", 4_000)
    run.finish(4_000)
    return run


def untraced(run: Run, now: datetime | None = None) -> Report:
    """Explain a run but for its causes: bars alone are drawn."""
    return report(run.events, now=now).model_copy(update={"flow": Flow()})


def row(text: str, label: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(label))
    return line


def test_bars_stand_where_the_time_was() -> None:
    text = draw(untraced(checks()), 63)
    assert text.splitlines()[0] == "DueDiligence  completed  case-1"
    assert row(text, "identity") == "identity   ✓ " + "█" * 20 + " " * 20 + "     2.0 s"
    assert (
        row(text, "credit") == "credit     ✗ " + "░" * 10 + "█" * 9 + "✗" + " " * 20 + "     2.0 s"
    )
    assert row(text, "background") == "background ✓ " + " " * 20 + "█" * 20 + "     2.0 s"
    assert row(text, "(case)").rstrip().endswith("◆")
    assert "░ queued  █ work  ◆ message  ✗ failed" in text
    assert "speed-up 1.5" in text
    assert "cost $0.0125" in text


@pytest.mark.parametrize("width", [*range(1, 70), 120, 400])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_asked(width: int, encoding: str) -> None:
    text = draw(report(checks().events), width, times=True, encoding=encoding)
    assert len(text.splitlines()) >= 4 + 2 * 4  # head, axis, legend, clocks; rows with times
    assert max(cell_len(line) for line in text.splitlines()) <= min(width, 200)


def test_without_colour_there_are_no_escapes_and_with_colour_the_same_characters() -> None:
    plain, coloured = (draw(report(checks().events), 80, colour=c) for c in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    assert "".join(part.partition("m")[2] for part in f"m{coloured}".split("\x1b[")) == plain


def test_an_ascii_terminal_gets_ascii() -> None:
    text = draw(untraced(checks()), 80, encoding="ascii")
    assert row(text, "credit").startswith("credit     x ....")
    assert "#" in row(text, "identity")


def test_times_are_shown_to_the_millisecond_on_demand() -> None:
    run = report(checks().events)
    assert "09:00:00.000 - 09:00:02.000  filings  failed  Rejected: gone" in draw(
        run, 100, times=True
    )
    assert "09:00:00.000" not in draw(run, 100)


def test_a_wait_of_days_leaves_the_work_its_room() -> None:
    day = 24 * 3_600_000
    run = Run()
    run.call("filings", 0, 3_000, branch="credit")
    run.call("ask_model", 5 * day + 3_000, 5 * day + 6_000, branch="synthesis")
    run.finish(5 * day + 6_000)
    text = draw(report(run.events), 80)
    assert row(text, "credit").count("█") > 20
    assert row(text, "synthesis").count("█") > 20
    assert "≈≈≈" in text
    assert "wait cut short (5d 00h)" in text


def test_activities_of_no_branch_get_a_row_per_name() -> None:
    run = Run("SomebodyElses")
    for name in ("book", "pay", "book"):
        run.call(name, 0, 100)
    run.finish(100)
    text = draw(report(run.events), 60)
    assert row(text, "book").rstrip().endswith("100 ms")
    assert row(text, "pay")


def test_a_foreign_name_cannot_steer_the_terminal() -> None:
    run = Run("Evil\x1b]0;title\x07")
    run.call("\x1b[2J\nname", 0, 10)
    run.call("数据" * 20, 0, 10, branch="分支")
    text = draw(report(run.events), 50, times=True)
    assert "\x1b" not in text
    assert "Evil?]0;title?" in text
    assert max(map(cell_len, text.splitlines())) <= 50


def test_an_open_call_is_drawn_up_to_now() -> None:
    run = Run()
    run.schedule("filings", 1_000, branch="credit")
    text = draw(untraced(run, at(2_000)), 59)
    assert row(text, "credit") == "credit ▸ " + " " * 20 + "▓" * 20 + "     1.0 s"
    assert "▓ open call" in text


def test_a_case_of_one_event_is_drawn() -> None:
    assert "whole 0 ms" in draw(report(Run().events), 40)
    terminated = Run()
    terminated.add(E.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, 0)
    assert "terminated" in draw(report(terminated.events), 40)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.0 s"),
        (59_949, "59.9 s"),
        (59_960, "1m 00s"),
        (3_599_400, "59m 59s"),
        (3_599_600, "1h 00m"),
        (47 * 3_600_000, "47h 00m"),
        (119 * 3_600_000, "4d 23h"),
    ],
)
def test_lengths_read_easily(ms: int, text: str) -> None:
    assert length(timedelta(milliseconds=ms)) == text


def test_many_rows_are_folded_and_the_critical_and_failed_are_kept() -> None:
    run = Run()
    for number in range(40):
        run.call("fetch", 0, 10 + number, branch=f"item-{number}")
        run.call("other", 0, 10, branch="x" * (number + 1))
    key = run.schedule("filings", 0, branch="credit")
    run.fail(key, 1, failure("gone", "Rejected"))
    run.finish(100)
    text = draw(report(run.events), 80)
    assert row(text, "item-* x40").rstrip().endswith("49 ms")
    assert row(text, "credit")
    assert row(text, "(others) x13")
    assert sum("█" in line for line in text.splitlines()[:-2]) <= 31
    assert row(draw(report(run.events), 80, times=True), "item-39 ")


def test_what_is_on_the_critical_path_is_drawn_thicker_and_again_by_cause() -> None:
    known = report(checks().events)
    (identity, credit, background, _) = known.spans
    path = (
        Segment(span=credit.id, wait=Wait.QUEUE, start=at(0), end=at(1_000)),
        Segment(span=credit.id, wait=Wait.RUN, start=at(1_000), end=at(2_000)),
        Segment(span=0, wait=Wait.EVENT, start=at(2_000), end=at(4_000)),
    )
    text = draw(known.model_copy(update={"flow": Flow(path=path)}), 66)
    assert "█" not in row(text, identity.branch) + row(text, background.branch)
    assert row(text, identity.branch).count("▄") == 20
    assert row(text, credit.branch).count("█") == 9
    assert row(text, "critical path").strip().endswith("░" * 10 + "█" * 10 + "┄" * 20)


def test_limits_and_failed_attempts_have_inks_of_their_own() -> None:
    run = Run()
    key = run.schedule("ask_model", 0, branch="credit")
    run.start(key, 1_000, attempt=3, after="down")
    run.complete(key, 4_000)
    run.finish(4_000)
    known = untraced(run)
    held = known.spans[0].model_copy(update={"limited": timedelta(seconds=1)})
    line = row(draw(known.model_copy(update={"spans": (held,)}), 59), "credit")
    assert line == "credit ✓ " + "▞" * 10 + "▒" * 10 + "█" * 20 + "     4.0 s"
