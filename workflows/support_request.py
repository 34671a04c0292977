"""Support request: routed by risk, tier and type, answered by the first who can, told once."""

from temporalio import workflow

from workflows.calls import RESOLVE_ROLES, ask
from workflows.data.budget import BudgetOrder
from workflows.data.llm import RoleQuery
from workflows.data.support import SupportRequest, SupportResult
from workflows.patterns.process import Process
from workflows.patterns.route import RouteLog
from workflows.steps.support import READER, ROLES, Resolution


@workflow.defn(name="support-request")
class Support(Process):
    """One customer's request, from its arrival to the answer or to the people who have it."""

    @workflow.init
    def __init__(self, given: SupportRequest) -> None:
        super().__init__("support-request", given.case, keys=given.keys)
        self.given = given
        self.resolution = Resolution(self, given, RouteLog())

    @workflow.run
    async def run(self, given: SupportRequest) -> SupportResult:
        """Resolve it; what it may cost is the case's, who answers is the path's."""
        self.roles = await ask(RESOLVE_ROLES, RoleQuery(roles=(READER, *ROLES.values())))
        if given.models.budget_usd is not None:
            await self.pay_from(BudgetOrder(name="models", usd=given.models.budget_usd))
        result = await self.resolution.run()
        self.enter("closed", result.outcome)
        await self.finish()
        return self.so_far()

    def so_far(self) -> SupportResult:
        """Give type, path and attempts as they become known."""
        return self.resolution.result.model_copy(update={"usd": self.cost().usd})
