"""Credit: ratios and Altman's scores of a set of accounts, with every input. Pure.

Scores: Altman 1983 and 1995 (Z' for private manufacturers, Z'' for all but financial companies).
A score is one input of a credit decision, never the decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from workflows.data.statements import FLOWS, Statement
from workflows.data.worksheet import Mark, Ratio, Score, Worksheet
from workflows.rules.dd.statements import completed

POLICY = "credit-2026-11"
"""Version of the thresholds below, which are house policy."""
STALE = timedelta(days=548)
"""Eighteen months: older accounts settle nothing."""


@dataclass(frozen=True)
class Formula:
    """A ratio: sums of figures (a minus in front subtracts), the quotient taken `times`.

    From `good` on it is good, beyond `poor` poor; which way is better follows from the two.
    """

    name: str
    above: tuple[str, ...]
    below: tuple[str, ...]
    good: float = 0
    poor: float = 0
    times: float = 1

    @property
    def text(self) -> str:
        """Write the formula out."""
        factor = f"{self.times:g} * " if self.times != 1 else ""
        return f"{factor}{_written(self.above)} / {_written(self.below)}"

    def mark(self, value: float) -> Mark:
        """Hold a value against the thresholds."""
        up = 1 if self.good > self.poor else -1
        if up * value >= up * self.good:
            return "good"
        return "poor" if up * value < up * self.poor else "fair"


RATIOS = (
    Formula("current ratio", ("current_assets",), ("current_liabilities",), 1.5, 1.0),
    Formula("quick ratio", ("current_assets", "-inventory"), ("current_liabilities",), 1.0, 0.5),
    Formula("cash ratio", ("cash",), ("current_liabilities",), 0.2, 0.05),
    Formula("debt to equity", ("liabilities",), ("equity",), 1.5, 3.0),
    Formula("equity ratio", ("equity",), ("assets",), 0.3, 0.1),
    Formula("interest cover", ("ebit",), ("interest",), 3.0, 1.0),
    Formula("debt service cover", ("operating_cash_flow",), ("interest", "debt_due"), 1.25, 1.0),
    Formula("net debt to EBITDA", ("debt", "-cash"), ("ebit", "depreciation"), 3.0, 6.0),
    Formula("EBIT margin", ("ebit",), ("sales",), 0.05, 0.0),
    Formula("return on assets", ("net_income",), ("assets",), 0.03, 0.0),
    Formula("days sales outstanding", ("receivables",), ("sales",), 60, 120, 365),
    Formula("days payables outstanding", ("payables",), ("cost_of_sales",), 60, 120, 365),
    Formula("cash flow to debt", ("operating_cash_flow",), ("liabilities",), 0.2, 0.0),
)


@dataclass(frozen=True)
class Weighted:
    """A score: a weight for each quotient; under `low` is distress, above `high` safe."""

    name: str
    parts: tuple[tuple[float, Formula], ...]
    low: float
    high: float

    @property
    def text(self) -> str:
        """Write the formula out."""
        return " + ".join(f"{weight:g} * {part.text}" for weight, part in self.parts)


_CAPITAL = Formula("", ("current_assets", "-current_liabilities"), ("assets",))
_EARNED = Formula("", ("retained_earnings",), ("assets",))
_EARNING = Formula("", ("ebit",), ("assets",))
_CUSHION = Formula("", ("equity",), ("liabilities",))
_TURNOVER = Formula("", ("sales",), ("assets",))
Z2 = Weighted(
    "Z''", ((6.56, _CAPITAL), (3.26, _EARNED), (6.72, _EARNING), (1.05, _CUSHION)), 1.10, 2.60
)
Z1 = Weighted(
    "Z'",
    ((0.717, _CAPITAL), (0.847, _EARNED), (3.107, _EARNING), (0.420, _CUSHION), (0.998, _TURNOVER)),
    1.23,
    2.90,
)


NO_SCORE = (
    f"{Z2.name} does not apply: the industry code is financial, and banks, insurers, funds and"
    " special purpose vehicles are outside the models"
)


@dataclass(frozen=True)
class Trade:
    """What the scores ask about a company: is it financial, does it manufacture, is it listed?"""

    financial: bool = False
    manufacturer: bool = False
    listed: bool = False


def trade(*, sic: str = "", nace: str = "", listed: bool = False) -> Trade:
    """Read industry codes: the SEC's SIC, and NACE or UK SIC by the form. Empty: nothing known.

    Financial are banks, insurers, funds, holding companies and special purpose vehicles: one of the
    codes is enough to say so. Of what else they say the SEC's counts.
    """
    filed, told = _division(sic), _division(nace)
    financial = 60 <= filed <= 67 or 64 <= told <= 66
    return Trade(financial, 20 <= filed <= 39 if filed else 10 <= told <= 33, listed)


def _division(code: str) -> int:
    digits = "".join(c for c in code if c.isdigit())
    return int(digits[:2]) if len(digits) > 1 else 0


def worksheet(statement: Statement, source: str, on: date, kind: Trade) -> Worksheet:
    """Work out ratios and scores as of the day the case was opened."""
    told, notes = completed(statement)
    scores: tuple[Score, ...] = () if kind.financial else (_score(Z2, told),)
    if kind.financial:
        notes += (NO_SCORE,)
    elif kind.manufacturer and not kind.listed:
        scores += (_score(Z1, told),)
    if told.months != 12:
        notes += (f"flows of {told.months} months are scaled to twelve",)
    if told.equity is not None and told.equity <= 0:
        notes += ("equity is negative",)
    return Worksheet(
        policy=POLICY,
        source=source,
        end=told.end,
        months=told.months,
        currency=told.currency,
        ratios=tuple(_ratio(formula, told) for formula in RATIOS),
        scores=scores,
        tangible_net_worth=_tangible(told),
        notes=notes,
        doubts=_doubts(told, on),
    )


def summary(sheet: Worksheet) -> str:
    """Say in a line what the worksheet says, for evidence and prompts."""
    scores = [
        f"{s.name} {s.value:.2f} ({s.zone})" if s.value is not None else f"{s.name}: {s.why}"
        for s in sheet.scores
    ]
    known = [f"{r.name} {r.value:.2f} ({r.mark})" for r in sheet.ratios if r.value is not None]
    open_ones = [f"{r.name}: {r.why}" for r in sheet.ratios if r.value is None]
    head = f"accounts to {sheet.end} in {sheet.currency}, {sheet.months} months"
    return "; ".join([head, *scores, *known, *sheet.notes, *open_ones])


# ---- one ratio, one score ------------------------------------------------------------------


def _ratio(formula: Formula, told: Statement) -> Ratio:
    inputs = _inputs((formula,), told)
    value, why = _quotient(formula, told)
    return Ratio(
        name=formula.name,
        formula=formula.text,
        inputs=inputs,
        value=None if value is None else round(value, 4),
        why=why,
        mark=None if value is None else formula.mark(value),
    )


def _score(score: Weighted, told: Statement) -> Score:
    inputs = _inputs([part for _, part in score.parts], told)
    total = 0.0
    for weight, part in score.parts:
        value, why = _quotient(part, told)
        if value is None:
            return Score(name=score.name, formula=score.text, inputs=inputs, why=why)
        total += weight * value
    zone = "distress" if total < score.low else "safe" if total > score.high else "grey"
    return Score.model_validate(
        {
            "name": score.name,
            "formula": score.text,
            "inputs": inputs,
            "value": round(total, 4),
            "zone": zone,
        }
    )


def _quotient(formula: Formula, told: Statement) -> tuple[float | None, str]:
    """Divide; or say why not: a figure is missing, or the divisor makes no sense."""
    missing = [n for n in _names(formula) if getattr(told, n) is None]
    if missing:
        return None, f"not stated: {', '.join(n.replace('_', ' ') for n in missing)}"
    below = _sum(formula.below, told)
    if below <= 0:
        return None, f"{_written(formula.below)} is {below:.15g}: the ratio has no meaning"
    return formula.times * _sum(formula.above, told) / below, ""


def _sum(terms: Sequence[str], told: Statement) -> float:
    total = 0.0
    for term in terms:
        name = term.lstrip("-")
        value = float(getattr(told, name)) * (12 / told.months if name in FLOWS else 1)
        total += -value if term.startswith("-") else value
    return total


def _names(formula: Formula) -> list[str]:
    return [term.lstrip("-") for term in (*formula.above, *formula.below)]


def _inputs(formulas: Sequence[Formula], told: Statement) -> dict[str, float]:
    names = dict.fromkeys(name for formula in formulas for name in _names(formula))
    return {n: getattr(told, n) for n in names if getattr(told, n) is not None}


def _written(terms: Sequence[str]) -> str:
    text = " + ".join(terms).replace("+ -", "- ")
    return f"({text})" if len(terms) > 1 else text


def _tangible(told: Statement) -> float | None:
    if told.equity is None:
        return None
    return told.equity - (told.goodwill or 0) - (told.intangibles or 0)


def _doubts(told: Statement, on: date) -> tuple[str, ...]:
    doubts = []
    if on - told.end > STALE:
        doubts.append(f"the accounts to {told.end} are more than eighteen months old")
    if told.audited is False:
        doubts.append(f"the accounts to {told.end} are unaudited")
    return tuple(doubts)
