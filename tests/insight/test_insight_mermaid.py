"""Mermaid text that a strict reader accepts, whatever is in the names."""

import re
from datetime import timedelta

from insight.report import report
from insight.shown.mermaid import Form, mermaid
from tests.insight.builder import Run, failure
from tests.insight.test_insight_html import HOSTILE, chain

NAMES = (
    *("end", 'a "b" [c] {d} (e)', "`md`", "ünïcode 名前", "a; b %% c", "--> x", "#35;", "\n", ""),
    *(HOSTILE, "x" * 500, "click", "title", "a:b, c"),
)
LINE = re.compile(
    r"""flowchart\ LR|gantt|\ \ end
    |\ \ subgraph\ b\d+\["[^"]+"\]
    |\ \ (start|finish)\(\["[^"]+"\]\)
    |\ \ (\ \ )?n\d+(\[\[|\(\[|\[|>)"[^"]+"(\]\]|\]\)|\])
    |\ \ (start|n\d+)\ (==>|-->|-\.->|==>\|\.\.\.\|)\ (finish|n\d+)
    |\ \ classDef\ .*|\ \ class\ [\w,]+\ (critical|failed)|\ \ %%\ .*
    |\ \ (title|dateFormat|axisFormat|section)\ [^:]*(:%M:%S)?
    |\ \ \#[^:]+\ :[\w,\ ]+""",
    re.VERBOSE,
)


def hostile() -> Run:
    run = Run(process='Due "Diligence"')
    for place, name in enumerate(NAMES):
        run.call(name, place * 10, place * 10 + 5, branch=name)
    broken = run.schedule("broken", 200)
    run.start(broken, 200)
    run.fail(broken, 210, failure("gone", "Rejected"))
    run.signal("decide", 300)
    run.finish(400)
    return run


def test_every_line_is_one_that_mermaid_knows() -> None:
    for form in Form:
        text = mermaid(report(hostile().events), form)
        wrong = [line for line in text.splitlines() if not LINE.fullmatch(line)]
        assert wrong == []
        assert not re.search(r"<(?!br>)|`|--> x", text)
        assert "ünïcode 名前" in text


def test_the_critical_path_is_thick_and_what_failed_is_marked() -> None:
    text = mermaid(chain(3))
    assert len(re.findall("==>", text)) == 4
    assert len(re.findall("-->", text)) == 3
    failed = mermaid(report(hostile().events))
    assert re.search(r"  class n\d+ failed", failed)


def test_a_timer_is_called_one() -> None:
    run = Run()
    run.timer("1", 0)
    run.finish(10)
    assert '(["timer 1<br>10 ms"])' in mermaid(report(run.events))


def test_a_gantt_has_a_section_for_each_branch() -> None:
    text = mermaid(chain(3), Form.GANTT)
    assert text.startswith("gantt\n")
    assert len(re.findall(r"^  section ", text, re.MULTILINE)) == 1
    assert len(re.findall(r":crit, done, n\d+, \d{13}, \d{13}$", text, re.MULTILINE)) == 3


def test_large_runs_stay_within_what_mermaid_draws() -> None:
    known = chain(600)
    for form in Form:
        text = mermaid(known, form)
        assert len(text) < 50_000
        assert len(re.findall(r"[->]> ", text)) < 500
        assert "120 of 1200 steps" in text


def test_a_run_of_no_length() -> None:
    known = report(Run().events)
    assert known.until - known.started == timedelta()
    assert mermaid(known).splitlines()[0] == "flowchart LR"
    assert mermaid(known, Form.GANTT).splitlines()[0] == "gantt"
