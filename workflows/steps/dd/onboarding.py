"""Due diligence: what follows a decision. Onboarding as a saga, or a neutral refusal."""

from decimal import Decimal
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import ACCOUNT, MAIL, ask
from workflows.data.case_file import CaseFile
from workflows.data.common import Condition
from workflows.data.due_diligence import CaseOutcome, Onboarding
from workflows.data.effects import (
    AccountAction,
    AccountOrder,
    EffectReceipt,
    EffectState,
    MailOrder,
)
from workflows.errors import reason
from workflows.patterns.saga import Saga
from workflows.patterns.tasks import Tasks
from workflows.scope import told

STEPS = (
    ("customer", AccountAction.CREATE_CUSTOMER, AccountAction.DELETE_CUSTOMER),
    ("account", AccountAction.OPEN_ACCOUNT, AccountAction.CLOSE_ACCOUNT),
    ("limit", AccountAction.SET_LIMIT, AccountAction.CLEAR_LIMIT),
    ("monitoring", AccountAction.ENROL_MONITORING, AccountAction.LEAVE_MONITORING),
)
"""Each step with the action that undoes it."""


class Onboarder:
    """Acts on a decision. An undo that fails for good is a task for the reviewers; `open_tasks`
    lists what nobody has finished.
    """

    def __init__(self, case: CaseFile, tasks: Tasks) -> None:
        self.case, self.tasks = case, tasks
        self.open_tasks: tuple[str, ...] = ()

    async def act(
        self, outcome: CaseOutcome, conditions: tuple[Condition, ...], *, tip_off: bool
    ) -> tuple[Onboarding, tuple[str, ...]]:
        """Onboard an approved customer, tell a declined one; say nothing that tips off.

        Returns what became of the onboarding and the reasons to add to the record.
        """
        if outcome in (CaseOutcome.APPROVE, CaseOutcome.APPROVE_WITH_CONDITIONS):
            return await self._onboard(conditions)
        if outcome is CaseOutcome.DECLINE and not tip_off:
            await self._notify("declined", "We cannot offer you the product you asked for.")
        return Onboarding.NOT_STARTED, ()

    async def _onboard(
        self, conditions: tuple[Condition, ...]
    ) -> tuple[Onboarding, tuple[str, ...]]:
        amounts = [Decimal(c.value) for c in conditions if c.code == "LIMIT"]
        limit = amounts[-1] if amounts else self.case.product.monthly
        saga = Saga(self.tasks)
        try:
            async with saga:
                for name, do, undo in STEPS:
                    await saga.step(
                        name, partial(self._order, do, limit), partial(self._order, undo)
                    )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self.open_tasks = tuple(f"undo {u.step}: {u.error}" for u in saga.left_over)
            state = Onboarding.OPEN_TASKS if saga.left_over else Onboarding.UNDONE
            return state, (f"ONBOARDING: undone, because {reason(error)}",)
        await self._notify("welcome", f"Your account is open; the limit is {limit}.")
        return Onboarding.DONE, ()

    async def _order(self, action: AccountAction, limit: Decimal | None = None) -> EffectReceipt:
        setting = action is AccountAction.SET_LIMIT
        return await ask(
            ACCOUNT,
            AccountOrder(
                action=action,
                case=workflow.info().workflow_id,
                customer_name=self.case.subject.name,
                limit=limit if setting else None,
                currency=self.case.product.currency if setting else "",
            ),
        )

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
        if receipt.state is EffectState.UNCLEAR:
            self.open_tasks += (f"notice {template}: unclear whether it was sent",)
