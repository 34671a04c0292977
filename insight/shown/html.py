"""A report as one HTML document that works anywhere: no network, no build step, no framework.

The document holds the report as JSON (that of `explain --json`, edges apart) and a script that
draws it. Names in a history are foreign input: they reach the page as data only, and its policy
(CSP) lets run no script but its own and load nothing at all.
"""

import base64
import hashlib
import html
import json
from collections.abc import Iterable
from datetime import timedelta
from importlib.resources import files
from string import Template

from insight.graph.clocks import Stretch, merged
from insight.graph.flow import Certainty, Edge
from insight.graph.portions import portions
from insight.report import Report, stretches
from insight.shown.picture import picture, places
from insight.shown.scale import scale

SCRIPTS = ("base.js", "lanes.js", "timeline.js", "chart.js", "graph.js", "tables.js", "page.js")
MOST_NODES, MOST_EDGES = 300, 1500
"""How much of a graph one can still read."""
_CELLS = 160
"""Parts the width is divided into; a long wait is cut to three of them."""


def page(report: Report, *more: Report) -> str:
    """Write the document of a report, or of several to choose from."""
    runs = ",".join(_run(one) for one in (report, *more))
    style, script = _asset("page.css"), "\n".join(_asset(name) for name in SCRIPTS)
    name = " ".join(word for word in (report.process, report.case) if word) or "a run"
    return Template(_asset("page.html")).substitute(
        title=html.escape(name),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        data=_inert(f"[{runs}]"),
    )


def _asset(name: str) -> str:
    return files("insight.shown").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inert(text: str) -> str:
    """Write JSON so that nothing in it can end the element that holds it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _run(report: Report) -> str:
    laid = scale(merged(stretches(report.spans, within := _within(report))), within, _CELLS)
    shown = picture(report, MOST_NODES, MOST_EDGES)
    more = {
        "knots": [(_ms(at - report.started), place / laid.cells) for at, place in laid.knots],
        "cuts": [(_ms(a - report.started), _ms(b - report.started)) for a, b in laid.cuts],
        "parts": [
            [(wait, _ms(end - start)) for wait, start, end in portions(span, report.until)]
            for span in report.spans
        ],
        "graph": {
            "places": [(key, *place) for key, place in places(shown).items()],
            "edges": [(e.cause, e.effect, e.certainty, e.likely) for e in shown.edges],
            "leaps": shown.leaps,
            "critical": sorted(shown.critical),
            "left_out": shown.left_out,
            "unseen": shown.unseen + report.flow.left_out,
        },
    }
    told = report.model_dump_json(exclude_defaults=True, exclude={"flow": {"edges"}})
    return f'{{"report":{told},"more":{json.dumps(more)},"edges":[{_edges(report.flow.edges)}]}}'


def _edges(edges: Iterable[Edge]) -> str:
    """Write edges short, as [cause, effect, is possible, is likely]: there may be 250,000."""
    return ",".join(
        f"[{e.cause},{e.effect},{e.certainty is Certainty.POSSIBLE:d},{e.likely:d}]" for e in edges
    )


def _within(report: Report) -> Stretch:
    """Give the time that is drawn: the run, and whatever a history tells of before or after."""
    ends = (span.ended or span.scheduled for span in report.spans)
    begins = (span.scheduled for span in report.spans)
    return min([report.started, *begins]), max([report.until, *ends])


def _ms(time: timedelta) -> float:
    return time / timedelta(milliseconds=1)
