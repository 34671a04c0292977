"""The audit of a blueprint: all findings, in the order of the file."""

from collections.abc import Callable, Iterator

from insight.plan.audit import naming, order, paths, sharing, size
from insight.plan.audit.findings import AuditFinding, Code, Level, Offers
from insight.plan.audit.view import View
from workflows.data.blueprints.blueprint import Blueprint

_ALWAYS: tuple[Callable[[View], Iterator[AuditFinding]], ...] = (
    naming.broken,
    naming.addresses,
    naming.unknown,
    naming.unused,
    order.loops,
    order.independence,
    paths.loops,
    paths.missing,
    paths.explosion,
    paths.ways_out,
    size.unbounded,
)
_IN_ORDER: tuple[Callable[[View], Iterator[AuditFinding]], ...] = (
    order.in_time,
    order.needless,
    sharing.conflicts,
    sharing.undone,
    sharing.decided_twice,
    size.crowded,
)
"""Checks that mean something only where no steps wait for each other."""
_LOOPS = (Code.CYCLE, Code.BEFORE_ITS_INPUT)


def audit(blueprint: Blueprint, offers: Offers | None = None) -> tuple[AuditFinding, ...]:
    """Find what is wrong with a blueprint. Errors first, each level in the order of the steps."""
    view = View(blueprint)
    found = [finding for check in _ALWAYS for finding in check(view)]
    if offers:
        found += naming.offered(view, offers)
    if not any(finding.code in _LOOPS for finding in found):
        found += [finding for check in _IN_ORDER for finding in check(view)]
    places = {name: number for number, name in enumerate(blueprint.steps)}
    levels = [*Level]

    def rank(finding: AuditFinding) -> tuple[int, int]:
        step = str(finding.at[1]) if len(finding.at) > 1 else ""
        return levels.index(finding.level), places.get(step, len(places))

    return tuple(sorted(found, key=rank))
