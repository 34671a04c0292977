"""Screening of one party of a due diligence case: lists, exposure, press, documents."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.data.case_file import Party
from workflows.data.common import Record
from workflows.data.findings import Check, CheckResult
from workflows.data.party import PARTY_WORKFLOW, PartyOrder, PartyScreened
from workflows.patterns.budget import CaseBudget
from workflows.patterns.process import Process
from workflows.patterns.together import gather
from workflows.scope import told
from workflows.steps.dd.desk import CheckDesk
from workflows.steps.dd.money import SHORT_OF_MONEY
from workflows.steps.dd.table import run_check


@workflow.defn(name=PARTY_WORKFLOW)
class PartyScreening(Process):
    """One party, screened by all its checks at once. Its case is the parent."""

    @workflow.init
    def __init__(self, order: PartyOrder) -> None:
        super().__init__(PARTY_WORKFLOW, order.case.case)
        self.done: dict[Check, CheckResult] = {}
        self.telling: asyncio.Task[None] | None = None

    @workflow.run
    async def run(self, order: PartyOrder) -> PartyScreened:
        """Run the checks; a confirmed hit is told to the case before the others end."""
        self.enter("checks")
        self.roles = order.roles
        if order.budget is not None:
            self.budget = CaseBudget(order.budget, self.degrade(SHORT_OF_MONEY))
        found = _same_id
        desk = CheckDesk(self, order.case, order.party, found, self._confirmed, order.round)
        results = await gather(*(self._check(desk, check) for check in order.checks))
        if self.telling is not None:
            await self.telling
        await self.finish()
        self.enter("closed")
        return PartyScreened(checks=results, cost=self.cost())

    async def _check(self, desk: CheckDesk, check: Check) -> CheckResult:
        result = await run_check(desk, check, str(check))
        self.done[check] = result
        return result

    def _confirmed(self) -> None:
        """Tell the case that the party is on a sanctions list beyond doubt."""
        if self.telling is None:
            self.telling = asyncio.ensure_future(self._tell_case())

    async def _tell_case(self) -> None:
        if (parent := workflow.info().parent) is None:
            return
        case = workflow.get_external_workflow_handle(parent.workflow_id, run_id=parent.run_id)
        try:
            await case.signal("confirmed_hit")
        except ApplicationError as error:
            workflow.logger.warning("case not told", extra=told(why=error.message))

    def so_far(self) -> Record:
        """Give the checks that have ended."""
        return PartyScreened(checks=tuple(self.done.values()), cost=self.cost())


def _same_id(party: Party) -> str:
    """Stand in for the case's register of parties: a party's screening discovers nobody."""
    return party.party_id
