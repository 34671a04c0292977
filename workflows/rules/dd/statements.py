"""Credit: accounts out of a regulator's figures, and what can be derived from them. Pure."""

from collections.abc import Sequence
from datetime import date

from workflows.data.sources import Fact
from workflows.data.statements import CONCEPTS, Statement

TOTAL_EQUITY = "Equity"
"""IFRS's equity of all owners: the minority's share is in it already."""


def from_facts(facts: Sequence[Fact]) -> tuple[Statement | None, tuple[str, ...]]:
    """Put the latest period's figures together; None if they do not even state the assets.

    Only one currency counts, that of the assets: the notes say which figures were left out.
    """
    found = [f for f in facts if f.concept in CONCEPTS["assets"]]
    if not found:
        return None, ("no total of assets is stated",)
    newest = max(found, key=lambda f: (f.end, f.filed))
    period = {f.concept: f for f in facts if f.end == newest.end and f.unit == newest.unit}
    figures, names = {}, {}
    for field, concepts in CONCEPTS.items():
        name = next((c for c in concepts if c in period), None)
        if name is not None:
            figures[field], names[field] = period[name].value, name
    if names.get("equity") == TOTAL_EQUITY:
        figures.pop("minority", None)
    statement = Statement.model_validate(
        {"end": newest.end, "currency": newest.unit, "audited": True} | figures
    )
    return statement, tuple(_foreign(facts, newest.end, newest.unit))


def _foreign(facts: Sequence[Fact], end: date, unit: str) -> list[str]:
    others = sorted({f.unit for f in facts if f.end == end and f.unit != unit})
    return [f"figures in {', '.join(others)} are left out: the accounts are in {unit}"] * bool(
        others
    )


def completed(statement: Statement) -> tuple[Statement, tuple[str, ...]]:
    """Derive what is not stated but follows: liabilities, equity, EBIT. Notes say what."""
    s, derived, notes = statement, {}, []
    if s.liabilities is None and s.assets is not None and s.equity is not None:
        derived["liabilities"] = s.assets - s.equity - (s.minority or 0)
        notes.append("liabilities are not stated: assets less equity")
    if s.equity is None and s.assets is not None and s.liabilities is not None:
        derived["equity"] = s.assets - s.liabilities - (s.minority or 0)
        notes.append("equity is not stated: assets less liabilities")
    if s.ebit is None and s.pretax_income is not None and s.interest is not None:
        derived["ebit"] = s.pretax_income + s.interest
        notes.append("EBIT is not stated: income before tax plus interest")
    return s.model_copy(update=derived), tuple(notes)
