"""Due diligence: who is asked at a gate, by the case's policy. Pure."""

from dataclasses import replace

from workflows.data.case_policy import Reviewer, ReviewPolicy
from workflows.data.common import Decision
from workflows.data.effects import ChatOrder
from workflows.patterns.gate import GateSpec, Level, People, Reminder


def people_of(policy: ReviewPolicy) -> People:
    """Give the reviewers with their roles."""
    return _people(policy.reviewers)


def seated(spec: GateSpec, policy: ReviewPolicy) -> GateSpec:
    """Add to a gate the escalation levels and deputies of the policy that help to settle it.

    A level that asks nobody new for what this gate needs, or comes too late for it, is left out.
    """
    asked = spec
    for level in policy.escalation:
        step = Level(level.after, _people(level.reviewers))
        longer = (*asked.escalation, step)
        if level.after < spec.deadline and _asks_somebody_new(asked, step):
            asked = replace(asked, escalation=longer)
    everybody = asked.panel(len(asked.escalation)).people
    deputies = {of: names for of, names in policy.deputies.items() if of in everybody}
    return replace(asked, deputies=deputies)


def without(spec: GateSpec, first: Decision) -> GateSpec:
    """Give a gate that somebody else has to settle than who made the first decision.

    Nor may the person in whose seat it was made, as long as others are left.
    """
    for others in ({first.by, first.stands_for or first.by}, {first.by}):
        excluded = spec.excluded | others
        if replace(spec.panel(0), excluded=excluded).can_settle():
            break
    return replace(spec, excluded=excluded)


def reminding(reminder: Reminder, what: str) -> ChatOrder:
    """Write what the reviewers' channel is told at a gate's interval or escalation.

    The order's template and number are the key of the message: once each.
    """
    to = ", ".join(reminder.to)
    said = f"escalated (level {reminder.level}) to {to}" if reminder.level else f"waits for {to}"
    return ChatOrder(
        template=f"{reminder.gate}-reminder",
        number=reminder.number,
        text=f"{what} {said} (message {reminder.number})",
    )


def _asks_somebody_new(spec: GateSpec, step: Level) -> bool:
    before = spec.panel(len(spec.escalation))
    people = dict(before.people)
    for name, roles in step.people.items():
        people[name] = people.get(name, frozenset()) | roles
    return replace(before, people=people).able() != before.able()


def _people(reviewers: tuple[Reviewer, ...]) -> People:
    people: dict[str, frozenset[str]] = {}
    for reviewer in reviewers:
        people[reviewer.name] = frozenset(reviewer.roles)
    return people
