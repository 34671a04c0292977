"""Metrics: the page lists those there are, and no name is used that nobody counts."""

import re

from runtime.settings import ROOT
from workflows.data.metrics import METRICS

PAGE = ROOT / "docs" / "operations" / "telemetry.md"


def test_the_page_lists_every_metric_as_it_is() -> None:
    rows = re.findall(
        r"^\| `(braid_\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    ours = [(m.shown, str(m.kind), ", ".join(m.labels), m.says) for m in METRICS]
    assert rows == ours
