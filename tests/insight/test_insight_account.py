"""Where the time went, in few lines: what was longest, what it waited for, what it need not."""

import io
from datetime import timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

from insight.graph.flow import Flow, Segment, Step, Wait
from insight.report import Report, report
from insight.shown.account import account, stages
from tests.insight.builder import Run, at


def ms(number: int) -> timedelta:
    return timedelta(milliseconds=number)


def known() -> Report:
    """Three tries at filings, a model, a wait for a message; media runs beside them."""
    run = Run()
    filings = run.schedule("filings", 0, branch="credit")
    media = run.schedule("media", 0, branch="media")
    run.start(media, 0)
    run.complete(media, 3_000)
    run.start(filings, 2_000, attempt=3, after="register is closed")
    run.complete(filings, 4_000)
    model = run.schedule("ask_model", 4_000, branch="credit")
    run.start(model, 4_500)
    run.complete(model, 6_000)
    run.signal("decide", 9_000)
    run.finish(10_000)
    plain = report(run.events)
    flow = Flow(
        path=(
            Segment(span=filings, wait=Wait.RETRY, start=at(0), end=at(2_000)),
            Segment(span=filings, wait=Wait.RUN, start=at(2_000), end=at(4_000)),
            Segment(span=model, wait=Wait.QUEUE, start=at(4_000), end=at(4_500)),
            Segment(span=model, wait=Wait.RUN, start=at(4_500), end=at(6_000)),
            Segment(span=0, wait=Wait.EVENT, start=at(6_000), end=at(9_000)),
            Segment(span=0, wait=Wait.TASK, start=at(9_000), end=at(10_000)),
        ),
        steps=(
            Step(span=media, slack=ms(1_000), join=ms(1_000), critical=ms(0), share=0),
            Step(span=model, slack=ms(0), join=ms(0), critical=ms(2_000), share=0.2),
        ),
        peak=2,
        utilisation=0.5,
        lower_bound=ms(6_500),
        waits={Wait.RUN: ms(6_500), Wait.RETRY: ms(2_000), Wait.QUEUE: ms(500)},
        on_path={Wait.RUN: ms(3_500), Wait.RETRY: ms(2_000), Wait.QUEUE: ms(500)}
        | {Wait.EVENT: ms(3_000), Wait.TASK: ms(1_000)},
    )
    return plain.model_copy(update={"flow": flow})


def said(of: Report, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    Console(file=out, width=200, color_system=None, legacy_windows=False).print(account(of, width))
    out.flush()
    return raw.getvalue().decode(encoding)


def test_the_path_is_told_step_by_step_with_what_each_waited_for() -> None:
    lines = [" ".join(line.split()) for line in said(known()).splitlines()]
    assert lines[:4] == [
        "critical path took of run since",
        "credit: filings, failed attempts 2.0 s 4.0 s 40% 0 ms",
        "credit: ask_model, queued 500 ms 2.0 s 20% 4.0 s",
        "waiting for message decide 3.0 s 30% 6.0 s",
    ]
    assert "work 3.5 s 35% 6.5 s" in lines
    assert "for a message 3.0 s 30%" in lines


def test_bound_parallelism_retries_and_slack_are_said() -> None:
    text = " ".join(said(known()).split())
    assert "at best 6.5 s" in text
    assert "(35% less)" in text
    assert "at once at most 2 at work, 50% of that used" in text
    assert (
        "credit: filings: 3 attempts, 2.0 s lost, 2.0 s of it pauses, 2.0 s on the path (" in text
    )
    assert "slack media: media: 1.0 s later" in text


@pytest.mark.parametrize("width", [1, 20, 40, 60, 80, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_wider_than_asked(width: int, encoding: str) -> None:
    assert max(cell_len(line) for line in said(known(), width, encoding).splitlines()) <= width


def test_a_long_path_is_told_by_its_longest_steps_and_loops_are_one() -> None:
    run = Run()
    keys = [run.call("ask" if n < 20 else f"tool-{n}", n, n + 1) for n in range(40)]
    run.finish(40)
    path = tuple(
        Segment(span=k, wait=Wait.RUN, start=at(n), end=at(n + 1)) for n, k in enumerate(keys)
    )
    long = report(run.events).model_copy(update={"flow": Flow(path=path)})
    assert stages(long)[0].times == 20
    text = said(long)
    assert "ask x20" in text
    assert "(13 shorter, between them)" in text


def test_steps_of_less_than_a_hundredth_are_not_told_one_by_one() -> None:
    run = Run()
    keys = [run.call(f"tool-{n}", n, n + 1) for n in range(2)]
    run.finish(1_000)
    path = [Segment(span=k, wait=Wait.RUN, start=at(n), end=at(n + 1)) for n, k in enumerate(keys)]
    path.append(Segment(span=0, wait=Wait.EVENT, start=at(2), end=at(1_000)))
    text = said(report(run.events).model_copy(update={"flow": Flow(path=tuple(path))}))
    assert "tool" not in text
    assert "(2 shorter, between them)" in text


def test_a_long_name_keeps_its_line_and_what_it_waited_for_gets_one_of_its_own() -> None:
    """Neither may push the other out: the name says what to mend, the waits how."""
    run = Run()
    key = run.call("company_register_of_the_country", 0, 40)
    run.finish(40)
    cut = ((Wait.RETRY, 0, 12), (Wait.LIMITER, 12, 20), (Wait.RUN, 20, 40))
    path = tuple(Segment(span=key, wait=w, start=at(a), end=at(b)) for w, a, b in cut)
    lines = said(report(run.events).model_copy(update={"flow": Flow(path=path)})).splitlines()
    assert lines[1].split() == ["company_register_of_the_country", "40", "ms", "100%", "0", "ms"]
    assert lines[2].strip() == "failed attempts 12 ms, held by a limit 8 ms"


def test_a_wait_is_named_by_the_update_that_ended_it() -> None:
    """The update is told of as its task closes; it was there when that was asked for."""
    run = Run()
    run.turn(0)
    asked = run.ask(300)
    run.done(asked, run.take(asked, 700), 750)
    run.update("decide", 750)
    run.finish(750)
    assert [stage.title for stage in stages(report(run.events))] == ["waiting for update decide"]


def test_a_run_that_only_waited_to_begin_says_so() -> None:
    path = (Segment(span=0, wait=Wait.TIMER, start=at(0), end=at(1_000)),)
    run = Run()
    run.finish(1_000)
    text = said(report(run.events).model_copy(update={"flow": Flow(path=path)}))
    assert "delay before the run began" in text
    assert "nothing was at work" in text


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert said(report(Run().events)) == ""
