"""Due diligence, ownership: the walk up from the subject. Who appears is handed over at once."""

from workflows import calls
from workflows.data.findings import CheckResult
from workflows.data.registers import OwnersAnswer, OwnersQuery, ParentsAnswer, ParentsQuery
from workflows.patterns.together import Group
from workflows.rules.dd.ownership import ownership as judged
from workflows.rules.dd.ownership_walk import REGISTER, Question, Walk
from workflows.rules.dd.sheet import in_order
from workflows.steps.dd.desk import CheckDesk

REGULATED = "CIK"
"""Scheme of the securities regulator, which knows no owners but whom it supervises."""


async def ownership(desk: CheckDesk) -> CheckResult:
    """Ask register and LEI system about the subject, then about each company that appears."""
    walk = Walk(desk.case)
    async with Group() as group:
        _ask_on(desk, walk, group)
    subject = desk.case.subject
    if walk.answered is None and subject.listed and subject.number(REGULATED):
        register = await desk.register()
        if register is not None:
            walk.listed(register)
    desk.owned_by = walk.owned_by
    return in_order(judged(walk))


def _ask_on(desk: CheckDesk, walk: Walk, group: Group) -> None:
    for question in walk.questions():
        group.start(_asked(desk, walk, group, question))


async def _asked(desk: CheckDesk, walk: Walk, group: Group, question: Question) -> None:
    answer: OwnersAnswer | ParentsAnswer
    if question.identifier.scheme == REGISTER:
        answer = await desk.query(calls.OWNERS, OwnersQuery(identifier=question.identifier))
    else:
        answer = await desk.query(calls.PARENTS, ParentsQuery(lei=question.identifier.value))
    for key, party in walk.take(question, answer):
        walk.ids[key] = desk.found(party)
    _ask_on(desk, walk, group)
