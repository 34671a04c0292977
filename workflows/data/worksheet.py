"""The credit worksheet: ratios and scores of one set of accounts, each with what it came from."""

from typing import Literal

from pydantic import Field

from workflows.data.common import Day, Record

Mark = Literal["good", "fair", "poor"]
Zone = Literal["safe", "grey", "distress"]


class Ratio(Record):
    """A ratio: its formula, the figures put in, and the value or why there is none."""

    name: str
    formula: str
    inputs: dict[str, float] = Field(default_factory=dict)
    value: float | None = None
    why: str = ""
    """Why it cannot be computed; empty if it was."""
    mark: Mark | None = None
    """By the thresholds of the worksheet's policy."""


class Score(Record):
    """A score of Altman's: a weighted sum of ratios, and the zone it falls into."""

    name: str
    formula: str
    inputs: dict[str, float] = Field(default_factory=dict)
    value: float | None = None
    why: str = ""
    zone: Zone | None = None


class Worksheet(Record):
    """What accounts of one period say about credit. `policy` names the thresholds' version."""

    policy: str
    source: str
    end: Day
    months: int
    currency: str
    ratios: tuple[Ratio, ...]
    scores: tuple[Score, ...]
    tangible_net_worth: float | None = None
    notes: tuple[str, ...] = ()
    """What was derived or left out, and why."""
    doubts: tuple[str, ...] = ()
    """Why these accounts do not settle the matter: too old, unaudited. Each leaves a gap."""

    def ratio(self, name: str) -> float | None:
        """Give a ratio's value; None if it could not be computed."""
        return next((r.value for r in self.ratios if r.name == name), None)

    def score(self, name: str) -> Score | None:
        """Give a score by name; None if it does not apply to such a company."""
        return next((s for s in self.scores if s.name == name), None)
