"""Summaries of closed runs with known figures, for tests of statistics."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from insight.graph.flow import Wait
from insight.history.facts import Drafts, Facts
from insight.history.spans import Status
from insight.statistics.runs import RunSummary
from insight.statistics.sections import Section

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def summed(number: int, seconds: float = 10.0, **given: Any) -> RunSummary:
    """Make run `number`, begun so many hours after the first; half its path is a person's.

    Of `given`, what is a field of `Facts` goes there.
    """
    half = timedelta(seconds=seconds / 2)
    told = {name: given.pop(name) for name in list(given) if name in Facts.model_fields}
    name = str(told.get("workflow", f"case-{number}"))
    run = f"run-{number}"
    known: dict[str, Any] = {
        "process": "dd",
        "status": Status.COMPLETED,
        "started": DAY + timedelta(hours=number),
        "ended": DAY + timedelta(hours=number, seconds=seconds),
        "machine": half,
        "waiting": half,
        "lower_bound": half,
        "utilisation": 0.5,
        "waits": {Wait.RUN: half, Wait.PERSON: half},
        "critical": {"credit: read_filings": half, "(person)": half},
        "sections": {"credit": Section(calls=2)},
        "steps": ("ask_model", "read_filings"),
        "usd": Decimal("0.50"),
        "tokens": 100,
        **given,
    }
    facts = Facts(**{"workflow": name, "run": run, "first": run, "outcome": "approve", **told})
    return RunSummary(facts=facts, **known)


UNCHANGED, CHANGED, WITHHELD = Drafts(unchanged=1), Drafts(changed=1), Drafts(withheld=1)
