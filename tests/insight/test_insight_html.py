"""The document is whole in itself, and nothing foreign in it can act."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from insight.graph.flow import END, START, Certainty, Edge, Flow, Segment, Wait
from insight.history.reader import read_histories, read_history
from insight.report import Report, report
from insight.shown.html import page
from insight.shown.picture import picture, places
from tests.insight.builder import Run, at

HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>"
RECORDED = sorted(Path("tests/replay").glob("*.json"))


class Parts(HTMLParser):
    """What a browser would see: tags with their attributes, and the text of each script."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.tags[-1][0] if self.tags else "", data))


def checks() -> Report:
    run = Run(case=f"case {HOSTILE}")
    run.call("first", 0, 1_000, branch="identity")
    run.call(HOSTILE, 0, 2_000, branch=f"b {HOSTILE}")
    run.call("last", 2_000, 3_000, branch="identity")
    run.signal("decide", 4_000)
    run.finish(4_000)
    return report(run.events)


def saderat() -> Report:
    return report(read_history(Path("tests/replay/due_diligence_saderat.json").read_bytes()))


def data(document: str) -> list[dict[str, object]]:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', document)
    found: list[dict[str, object]] = json.loads(text)
    return found


def test_the_document_holds_the_report_and_loads_nothing() -> None:
    known = saderat()
    document = page(known)
    parts = Parts(document)
    assert [tag for tag, _ in parts.tags].count("script") == 2
    assert {tag for tag, _ in parts.tags}.isdisjoint({"img", "link", "iframe", "object", "base"})
    names = {name for _, attributes in parts.tags for name in attributes}
    assert not [name for name in names if name.startswith("on")]
    assert names.isdisjoint({"src", "href", "action", "style", "srcset"})
    assert not re.search(
        r"@import|fetch\(|XMLHttp|import\(|https?://(?!www\.w3\.org/2000/svg)", document
    )
    (run,) = data(document)
    told = [[e.cause, e.effect, e.certainty == "possible", e.likely] for e in known.flow.edges]
    assert run["edges"] == told != []
    bare = known.model_copy(update={"flow": known.flow.model_copy(update={"edges": ()})})
    assert Report.model_validate(run["report"]) == bare


def test_the_policy_allows_the_scripts_and_styles_of_the_page_and_no_others() -> None:
    document = page(checks())
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', document)
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", document, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_hostile_names_stay_data() -> None:
    parts = Parts(page(checks()))
    assert [text for tag, text in parts.texts if "onerror" in text and tag != "script"] == [
        f"DueDiligence case {HOSTILE} - explained"
    ]
    assert len([tag for tag, _ in parts.tags if tag == "main"]) == 1


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_recorded_runs_have_a_page(file: Path) -> None:
    known = [report(events) for events in read_histories(file.read_bytes())]
    assert len(data(page(*known))) == len(known)


def test_every_history_of_others_has_a_page(shared_data: Path) -> None:
    for file in sorted((shared_data / "histories").rglob("*.json")):
        known = [report(events) for events in read_histories(file.read_bytes())]
        for one, run in zip(known, data(page(*known)), strict=True):
            more = run["more"]
            assert isinstance(more, dict)
            assert len(more["parts"]) == len(one.spans), file.name


def test_a_run_without_events_to_speak_of_has_a_page() -> None:
    run = Run()
    known = report(run.events)
    assert known.until == known.started
    (found,) = data(page(known))
    assert found["more"]["graph"]["places"] == [[START, 0, 0], [END, 1, 0]]  # type: ignore[index]


def chain(length: int) -> Report:
    """Steps one after the other, each caused by the one before; beside each, one that leads on
    to nothing."""
    run = Run()
    ids = [run.call(f"step {k}", k * 100, k * 100 + 90) for k in range(length)]
    idle = [run.call(f"idle {k}", k * 100, k * 100 + 10) for k in range(length)]
    run.finish(length * 100)
    pairs = [*zip([START, *ids], [*ids, END], strict=True), *zip([START, *ids], idle, strict=False)]
    flow = Flow(
        edges=tuple(
            Edge(cause=a, effect=b, event=1, certainty=Certainty.CERTAIN) for a, b in pairs
        ),
        path=tuple(
            Segment(span=key, wait=Wait.RUN, start=at(k * 100), end=at(k * 100 + 100))
            for k, key in enumerate(ids)
        ),
    )
    return report(run.events).model_copy(update={"flow": flow})


def test_a_graph_is_laid_out_by_cause_with_no_two_steps_in_one_place() -> None:
    known = chain(5)
    shown = picture(known, 100, 100)
    laid = places(shown)
    columns = [column for column, _ in laid.values()]
    assert len(set(laid.values())) == len(laid) == len(known.spans) + 2
    assert all(laid[edge.cause][0] < laid[edge.effect][0] for edge in shown.edges)
    assert (min(columns), max(columns)) == (0, 6)
    assert (shown.left_out, shown.leaps) == (0, ())


def test_of_a_large_graph_the_critical_path_is_shown_and_stays_whole() -> None:
    known = chain(50)
    shown = picture(known, 60, 1000)
    kept = {span.id for span in shown.spans}
    assert {part.span for part in known.flow.path} <= kept
    assert (len(kept), shown.left_out) == (60, 40)
    few = picture(known, 10, 1000)
    steps = [span.id for span in few.spans]
    assert few.critical == set(zip([START, *steps], [*steps, END], strict=True))
    assert all(pair in few.critical for pair in few.leaps)
    assert max(column for column, _ in places(few).values()) == 11
