"""Due diligence: what follows a decision. Onboarding as a saga, or the case's adverse end."""

from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import ACCOUNT, MAIL, ask
from workflows.data.case_policy import Role
from workflows.data.due_diligence import CaseOutcome, Onboarding, Tier
from workflows.data.effects import (
    AccountAction,
    AccountOrder,
    EffectReceipt,
    EffectState,
    MailOrder,
)
from workflows.data.report import ReportOrder
from workflows.errors import reason
from workflows.patterns.saga import Saga
from workflows.patterns.tasks import Tasks
from workflows.rules.dd.decision import APPROVED, next_review_due, report_due
from workflows.rules.dd.routing import prohibited_by
from workflows.scope import told
from workflows.steps.dd.audit import CaseAudit
from workflows.steps.dd.closing import Closing, Ended

STEPS = (
    ("customer", AccountAction.CREATE_CUSTOMER, AccountAction.DELETE_CUSTOMER),
    ("account", AccountAction.OPEN_ACCOUNT, AccountAction.CLOSE_ACCOUNT),
    ("limit", AccountAction.SET_LIMIT, AccountAction.CLEAR_LIMIT),
    ("monitoring", AccountAction.ENROL_MONITORING, AccountAction.LEAVE_MONITORING),
    ("access", AccountAction.GRANT_ACCESS, AccountAction.REVOKE_ACCESS),
)
"""Each step with the action that undoes it."""


class Onboarder:
    """Acts on a decision. An undo that fails for good is a task for the reviewers; `open_tasks`
    lists what nobody has finished.
    """

    def __init__(self, closing: Closing, tasks: Tasks, audit: CaseAudit) -> None:
        self.closing, self.case = closing, closing.case
        self.tasks, self.audit = tasks, audit
        self.open_tasks: tuple[str, ...] = ()

    async def act(self) -> Ended:
        """Onboard an approved customer, tell a declined one; say nothing that tips off."""
        outcome, state, why = self.closing.outcome, Onboarding.NOT_STARTED, tuple[str, ...]()
        if self.closing.tier is Tier.PROHIBITED:
            await self._report()
        elif outcome in APPROVED:
            state, why = await self._onboard()
        elif outcome is CaseOutcome.DECLINE:
            await self._notify("declined", "We cannot offer you the product you asked for.")
        for task in self.open_tasks:
            self.audit.task_opened(*task.split(": ", 1))
        return Ended(state, why, self.open_tasks)

    async def _onboard(self) -> tuple[Onboarding, tuple[str, ...]]:
        saga = Saga(self.tasks)
        try:
            async with saga:
                for name, do, undo in STEPS:
                    await saga.step(name, partial(self._order, do), partial(self._order, undo))
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self.open_tasks = tuple(f"undo {u.step}: {u.error}" for u in saga.left_over)
            state = Onboarding.OPEN_TASKS if saga.left_over else Onboarding.UNDONE
            return state, (f"ONBOARDING: undone, because {reason(error)}",)
        limit = self.closing.limit
        await self._notify("welcome", f"Your account is open; the limit is {limit}.")
        return Onboarding.DONE, ()

    async def _order(self, action: AccountAction) -> EffectReceipt:
        closing, setting = self.closing, action is AccountAction.SET_LIMIT
        due = next_review_due(closing.tier, closing.outcome, closing.at.date())
        receipt = await ask(
            ACCOUNT,
            AccountOrder(
                action=action,
                case=workflow.info().workflow_id,
                customer_name=self.case.subject.name,
                limit=closing.limit if setting else None,
                currency=self.case.product.currency if setting else "",
                review_due=due if action is AccountAction.ENROL_MONITORING else None,
            ),
        )
        self.audit.effect(action, receipt, "accounts")
        return receipt

    async def _notify(self, template: str, body: str) -> None:
        """Mail the customer at most once; when that is unclear, a person must look."""
        order = MailOrder(
            template=template,
            party_id=self.case.subject.party_id,
            to=self.case.subject.contact,
            subject="Your application",
            body=body,
        )
        try:
            receipt = await ask(MAIL, order)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.error("notice not sent", extra=told(template=template))
            self.open_tasks += (f"notice {template}: not sent ({reason(error)})",)
            return
        self.audit.effect(f"notice {template}", receipt, "mail")
        if receipt.state is EffectState.UNCLEAR:
            self.open_tasks += (f"notice {template}: unclear whether it was sent",)

    async def _report(self) -> None:
        """Open the report as a task of its own: it may wait for weeks, the case need not."""
        reviewers = self.case.review.reviewers
        people = tuple(r.name for r in reviewers if Role.COMPLIANCE in r.roles)
        author = self.case.person(self.case.author)
        order = ReportOrder(
            case=self.case.case,
            reason=prohibited_by(self.closing.known.checks),
            due=report_due(self.closing.at.date()),
            people=tuple(name for name in people if self.case.person(name) != author),
            keys=self.case.keys,
            remind_every=self.case.review.reminder,
        )
        name = f"{workflow.info().workflow_id}-report"
        await workflow.start_child_workflow(
            "compliance-report",
            order,
            id=name,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=f"report due {order.due}",
        )
        self.open_tasks += (f"report {name}: to the authority by {order.due}",)
