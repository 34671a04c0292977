"""The audit for people: findings with their places, of blueprints and of recorded runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.blueprints.making import run_by
from cli.blueprints.reading import Source
from cli.histories import histories_in
from insight.history.reader import Events
from insight.plan.audit.audit import audit
from insight.plan.audit.findings import AuditFinding, Level, Offers
from insight.plan.audit.history import Known, audit_history
from workflows import calls
from workflows.data.common import JSON
from workflows.data.effects import EffectReceipt

_MODELS = (calls.ASK_MODEL, calls.SUBMIT_BATCH, calls.COLLECT_BATCH, calls.RUN_STEP)
_SERVICES = (calls.KEEPER, calls.TOPIC)
OURS = Known(
    aside=frozenset(c.name for c in calls.ALL if not c.always_visible and c not in _MODELS),
    ordered=frozenset(
        c.name
        for c in calls.ALL
        if c.always_visible and (c.fresh or c.output is EffectReceipt or c in _SERVICES)
    ),
)
"""What this project's own Calls are, by name; of other histories nothing is known."""


@dataclass(frozen=True)
class Placed:
    """A finding and where it stands, as `file:line:column` or `file: event 12`."""

    place: str
    finding: AuditFinding

    @property
    def is_error(self) -> bool:
        """Tell whether nothing may run with it."""
        return self.finding.level is Level.ERROR

    def line(self) -> str:
        """Say it in one line: place, how grave, code, what, mend."""
        found = self.finding
        return f"{self.place}: {found.level} {found.code}: {found.says}; {found.mend}"

    def plain(self) -> dict[str, JSON]:
        """Give it as JSON."""
        found: dict[str, JSON] = self.finding.model_dump(mode="json")
        return {"place": self.place, "level": self.finding.level.value, **found}


def audited(source: Source, offers: Offers | None = None) -> Sequence[Placed]:
    """Give what the audit finds in a blueprint and in those it runs, the gravest of each first."""
    return [p for one in (source, *run_by(source).values()) for p in audited_alone(one, offers)]


def audited_alone(source: Source, offers: Offers | None = None) -> Sequence[Placed]:
    """Give what the audit finds in one blueprint, the gravest first."""
    found = audit(source.blueprint, offers)
    return [Placed(source.place(finding.at, finding.line), finding) for finding in found]


def audited_runs(path: Path) -> Sequence[Placed]:
    """Give what ran in turn in the recorded runs of a file. Raises BadInput if there are none."""
    return [placed for events in histories_in(path) for placed in audited_run(events, str(path))]


def audited_run(events: Events, name: str) -> Sequence[Placed]:
    """Give what ran in turn in one run, under this name."""
    return [Placed(f"{name}: event {f.at[-1]}", f) for f in audit_history(events, OURS)]
