"""The graph says of every branch how it stands, and after whom it came."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from insight.graph.flow import START, Certainty, Edge, Flow
from insight.history.pending import NOTHING, Now, Pending
from insight.report import Report, report
from insight.shown.branches import graph
from tests.insight.builder import Run, at, failure


def drawn(known: Report, now: Now = NOTHING, width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    console = Console(file=out, width=200, color_system=None, legacy_windows=False)
    console.print(graph(known, width, now))
    out.flush()
    return raw.getvalue().decode(encoding)


def words(*arguments: object) -> list[str]:
    return [" ".join(line.split()) for line in drawn(*arguments).splitlines()]  # type: ignore[arg-type]


def one(**told: object) -> tuple[Report, Now]:
    run = Run()
    key = run.schedule("filings", 0, branch="credit")
    now = Now(pending={key: Pending.model_validate(told)})
    return report(run.events, now=at(10_000)), now


def test_a_call_under_way_says_whether_it_is_queued_running_or_retried() -> None:
    assert words(*one(running=False)) == ["░ credit filings queued for 10.0 s"]
    assert words(*one(running=True, since=at(4_000))) == ["▸ credit filings for 6.0 s"]
    again = one(running=False, attempt=3, due=at(12_000), failure="SourceDown: closed")
    assert words(*again) == ["↻ credit filings again in 2.0 s, attempt 3 after SourceDown: closed"]
    beat = one(running=True, attempt=2, since=at(9_000), beat="4 of 9", failure="lost")
    assert words(*beat) == ["▸ credit filings for 1.0 s [4 of 9], attempt 2 after lost"]
    held = one(running=True, since=at(9_000), held="openai")
    assert words(*held) == ["▒ credit filings held by a limit of openai for 1.0 s"]


def test_a_gate_is_a_person_and_any_other_timer_a_timer() -> None:
    """By its name where nobody can be asked: the path says so too."""
    run = Run()
    run.timer("7", 0, summary="pause: until")
    assert words(report(run.events, now=at(5_000))) == ["… pause timer since 5.0 s"]
    run = Run()
    run.timer("7", 0, summary="review: until")
    known = report(run.events, now=at(5_000))
    assert words(known) == ["… review for a person since 5.0 s"]
    assert words(known, Now(gates=("review",))) == [
        "… review for a person at gate review since 5.0 s"
    ]


def test_ends_are_told_and_a_run_that_has_nothing_open_says_what_it_waits_for() -> None:
    run = Run()
    run.call("register", 0, 2_000, branch="identity")
    key = run.schedule("filings", 0, branch="credit")
    run.start(key, 0)
    run.fail(key, 3_000, failure("gone", "Rejected"))
    known = report(run.events, now=at(5_000))
    assert words(known) == [
        "✓ identity done in 2.0 s",
        "✗ credit failed in 3.0 s: Rejected: gone",
        "waits for a message from outside, or for its next workflow task",
    ]
    assert words(known, Now(task="no worker"))[-1] == "no worker"
    run.finish(6_000)
    assert len(words(report(run.events))) == 2


def test_a_branch_names_those_it_came_after_and_marks_what_is_only_possible() -> None:
    run = Run()
    first = run.call("register", 0, 1_000, branch="identity")
    second = run.call("media", 0, 1_000, branch="media")
    run.signal("reply", 1_000)
    message = len(run.events)
    last = run.call("ask", 1_000, 2_000, branch="synthesis")
    run.finish(2_000)

    def edge(cause: int, effect: int, certainty: Certainty = Certainty.CERTAIN) -> Edge:
        return Edge(cause=cause, effect=effect, event=1, certainty=certainty)

    edges = (
        *(edge(START, first), edge(START, second), edge(first, last)),
        *(edge(key, last, Certainty.POSSIBLE) for key in (second, message)),
    )
    known = report(run.events).model_copy(update={"flow": Flow(edges=edges)})
    text = words(known)
    assert text[0] == "✓ identity done in 1.0 s"
    assert text[-1] == "✓ synthesis done in 1.0 s after identity, media?, message reply?"


@pytest.mark.parametrize("width", [1, 20, 40, 80])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_asked(width: int, encoding: str) -> None:
    known, now = one(running=False, attempt=3, due=at(12_000), failure="Wüst: \x1b[2J" * 20)
    text = drawn(known, now, width, encoding)
    assert "\x1b" not in text
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_why_something_is_tried_again_comes_before_what_it_came_after() -> None:
    run = Run()
    run.turn(0)
    first = run.schedule("register", 0, branch="identity")
    run.start(first, 0)
    run.complete(first, 1_000)
    run.turn(1_000)
    key = run.schedule("ask_model", 1_000, branch="credit")
    why = Pending(running=False, attempt=3, due=at(12_000), failure="openai answered 429 too many")
    known, now = report(run.events, now=at(10_000)), Now(pending={key: why})
    *_, line = drawn(known, now, width=72).splitlines()
    assert line.endswith("again in 2.0 s, attempt 3 after openai answered 42…")
    assert "after identity" in drawn(known, now, width=120)


def test_many_rows_of_one_name_are_one_line() -> None:
    run = Run()
    for _ in range(500):
        run.schedule("fetch", 0)
    assert words(report(run.events, now=at(1_000))) == ["░ fetch 500 queued"]
