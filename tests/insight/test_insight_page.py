"""The HTML report as a person has it: opened from a file in a real Chromium."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from insight.history.reader import read_history
from insight.history.spans import Span, SpanKind
from insight.report import Report, report
from insight.shown.html import page
from tests.insight.test_insight_html import HOSTILE, chain, checks, saderat
from tests.support.browser import Tab, browser
from tests.support.tools import needs

pytestmark = [pytest.mark.server, needs("chromium")]

BODY = "document.querySelector('.body')"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def carbo() -> Report:
    """A run whose steps all fit into the window."""
    return report(read_history(Path("tests/replay/due_diligence_carbo.json").read_bytes()))


def widest(known: Report) -> Span:
    """The longest step whose name no other has: its bar has room for it."""
    names = Counter(span.name for span in known.spans)
    alone = [s for s in known.spans if names[s.name] == 1 and s.kind is SpanKind.ACTIVITY]
    return max(alone, key=lambda s: s.ended - s.started if s.ended and s.started else timedelta(0))


def show(tab: Tab, folder: Path, *runs: Report, **size: int) -> None:
    """Open the page of some runs, and forget what was heard before."""
    file = folder / "report.html"
    file.write_text(page(*runs), encoding="utf-8")
    tab.heard.clear()
    tab.open(file, **size)


def quiet(tab: Tab) -> None:
    """Nothing went wrong and nothing was asked of any network."""
    assert tab.events("Runtime.exceptionThrown") == []
    assert tab.events("Runtime.consoleAPICalled") == []
    assert tab.events("Log.entryAdded") == []
    asked = [event["request"]["url"] for event in tab.events("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("file:")] == []
    assert len(asked) == 1


def at_first_bar(tab: Tab, words: str) -> tuple[float, float]:
    """Give the place in the window of a bar by the name written on it."""
    place = tab.run(
        f"(() => {{ const found = [...{BODY}.querySelectorAll('text.inside')]"
        f".find(one => one.textContent === {words!r}).getBoundingClientRect();"
        "return [found.x + 2, found.y + found.height / 2]; })()"
    )
    return place[0], place[1]


def test_all_steps_are_drawn_and_listed(tab: Tab, tmp_path: Path) -> None:
    known = carbo()
    show(tab, tmp_path, known)
    assert tab.run(f"{BODY}.dataset.drawn") == str(len(known.spans))
    tab.run("document.querySelector('.tables > details:last-child').open = true")
    tab.until("document.querySelectorAll('[data-span]').length > 0")
    listed = tab.run("[...document.querySelectorAll('[data-span]')].map(one => +one.dataset.span)")
    assert listed == [span.id for span in known.spans]
    nodes = tab.run("document.querySelectorAll('.graph .node').length")
    assert nodes == len(known.spans) + 2
    quiet(tab)


def test_a_hover_shows_details_and_a_click_keeps_them(tab: Tab, tmp_path: Path) -> None:
    known = carbo()
    show(tab, tmp_path, known)
    asked = widest(known)
    title = asked.name.replace("_", " ")
    x, y = at_first_bar(tab, title)
    tab.mouse("mouseMoved", x, y)
    shown = tab.run("document.getElementById('tip').innerText")
    for words in (title, asked.branch, "completed", asked.worker):
        assert words in shown
    for moment in (asked.scheduled, asked.started, asked.ended):
        assert f"{moment:%Y-%m-%d %H:%M:%S.%f}"[:-3] in shown
    tab.mouse("mousePressed", x, y, button="left", clickCount=1)
    tab.mouse("mouseReleased", x, y, button="left", clickCount=1)
    tab.mouse("mouseMoved", 5, 5)
    assert tab.run("document.getElementById('tip').hidden") is True
    assert title in tab.run("document.querySelector('.panel').innerText")
    quiet(tab)


def test_zoom_search_and_keys(tab: Tab, tmp_path: Path) -> None:
    known = carbo()
    show(tab, tmp_path, known)
    x, y = at_first_bar(tab, widest(known).name.replace("_", " "))
    tab.mouse("mouseWheel", x, y, deltaX=0, deltaY=-3000, modifiers=2)
    tab.mouse("mouseWheel", x, y, deltaX=0, deltaY=-3000, modifiers=2)
    assert int(tab.run(f"{BODY}.dataset.drawn")) < len(known.spans)
    tab.run("document.querySelector('.roll').focus()")
    for key in ("0", "Home", "ArrowRight"):
        tab.call("Input.dispatchKeyEvent", type="keyDown", key=key)
        tab.frame()
    assert tab.run(f"{BODY}.dataset.drawn") == str(len(known.spans))
    second = sorted(known.spans, key=lambda span: span.scheduled)[1]
    told = tab.run("document.getElementById('cursor').getAttribute('aria-label')")
    assert told.startswith(second.name.replace("_", " "))
    tab.run(
        "(() => { const box = document.querySelector('input[type=search]');"
        "box.value = 'ask model credit'; box.dispatchEvent(new Event('input')); })()"
    )
    found = [s for s in known.spans if s.name == "ask_model" and "credit" in s.branch]
    assert tab.run("document.querySelector('.count').value").startswith(f"{len(found)} of ")
    quiet(tab)


def test_hostile_names_are_shown_and_do_nothing(tab: Tab, tmp_path: Path) -> None:
    show(tab, tmp_path, checks())
    assert tab.run("document.querySelectorAll('img, main script').length") == 0
    assert HOSTILE in tab.run("document.querySelector('header').innerText")
    assert HOSTILE in tab.run(f"{BODY}.textContent")
    quiet(tab)


def test_dark_light_and_print(tab: Tab, tmp_path: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        tab.media(prefers_color_scheme=scheme)
        show(tab, tmp_path, saderat())
        colours.append(tab.run("getComputedStyle(document.body).backgroundColor"))
    tab.run("document.querySelector('header button').click()")
    colours.append(tab.run("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] == colours[2] != colours[1]
    tab.media("print")
    tab.until("document.querySelectorAll('.paper svg').length > 1")
    for hidden in (".chart", "header .tools", "input"):
        style = f"getComputedStyle(document.querySelector('{hidden}').closest('.screen, .chart'))"
        assert tab.run(f"{style}.display") == "none"
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tab.media()
    quiet(tab)


def test_other_shapes_of_runs(tab: Tab, tmp_path: Path) -> None:
    """Several runs to choose from, a narrow window, and more steps than the graph shows."""
    long = chain(400)
    optimised = report(read_history(Path("tests/replay/blueprint_optimised.json").read_bytes()))
    show(tab, tmp_path, long, saderat(), optimised, width=480)
    assert "300 of 800 steps" in tab.run("document.body.innerText")
    assert tab.run("document.documentElement.scrollWidth <= innerWidth") is True
    choose = (
        "(() => {{ const box = document.querySelector('header select'); box.value = '{}';"
        "box.dispatchEvent(new Event('change')); }})()"
    )
    tab.run(choose.format(1))
    assert re.match("due-diligence", tab.run("document.querySelector('h1').textContent"))
    tab.run(choose.format(2))
    turns = tab.run("document.querySelector('.tables > details').textContent")
    assert re.match(r"By choicescheapest within 36\.0 s, kept; took ", turns)
    assert optimised.decided is not None
    assert all(turn.why in turns for turn in optimised.decided.turns)
    quiet(tab)
