"""Budget: what a case may spend on models, shared by its branches, its children and both grades.

The store keeps it and sets aside what a call may cost before it is sent. `paying` applies what the
process declared for a shortage (`degrade`): a cheaper role, a branch left out, people asked.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

from workflows.calls import OPEN_BUDGET, READ_BUDGET, ask
from workflows.data.budget import BudgetOrder, BudgetQuery, BudgetView
from workflows.data.degrade import Left, MeasureKind, Remaining, Taken
from workflows.errors import BudgetSpent, Misuse
from workflows.patterns.degrade import Degrading

T = TypeVar("T")
Granted = Callable[[Taken], BudgetOrder | None]
"""Says what a gate's decision about money allows from now on; None for no more."""


class CaseBudget:
    """One budget of this case. `granted` raises it after people were asked."""

    def __init__(
        self,
        order: BudgetOrder,
        degrading: Degrading | None = None,
        granted: Granted | None = None,
    ) -> None:
        self.order, self._degrading, self._granted = order, degrading, granted
        rules = degrading.policy.when if degrading else ()
        asks = any(r.measure.kind is MeasureKind.ASK for r in rules)
        if granted is not None and not asks:
            raise Misuse(
                f"budget {order.name!r}: `granted` is never called: no rule of its policy asks"
                " people; add ask_people(...) or leave `granted` out"
            )

    async def open(self) -> BudgetView:
        """Open the budget, or set what it allows anew; before the first call that names it."""
        return await ask(OPEN_BUDGET, self.order)

    async def view(self) -> BudgetView:
        """Say how it stands now."""
        return await ask(READ_BUDGET, BudgetQuery(name=self.order.name))

    async def paying(
        self, role: str, work: Callable[[str], Awaitable[T]], *, branch: str = ""
    ) -> T:
        """Do work that asks `role`, or whichever role the policy puts in its place.

        The policy is looked at before, and again when the budget does not pay: a changed role, or
        money people granted, is worth another try. Raises BudgetSpent when nothing helps or the
        policy leaves `branch` out.
        """
        left = (await self.view()).scarcest
        await self._heed(left)
        while True:
            asked = self._role(role, branch)
            try:
                return await work(asked)
            except BudgetSpent as short:
                helped = await self._heed(await self._left_after(short))
                if not helped and self._role(role, branch) == asked:
                    raise

    async def _heed(self, left: Left) -> bool:
        """Take the measures that are due; say whether one of them may help."""
        if self._degrading is None:
            return False
        taken = await self._degrading.heed(Remaining(budget=left))
        helped = [await self._grant(t) if t.kind is MeasureKind.ASK else True for t in taken]
        return any(helped)

    async def _grant(self, asked: Taken) -> bool:
        """Set what people allow from now on."""
        kept = self._degrading.taken if self._degrading else ()
        answered = next(t for t in kept if (t.rule, t.at) == (asked.rule, asked.at))
        more = self._granted(answered) if self._granted else None
        if more is not None:
            self.order = more
            await self.open()
        return more is not None

    def _role(self, role: str, branch: str) -> str:
        """Give the role to ask. Raises BudgetSpent for a branch that is left out."""
        if self._degrading is None:
            return role
        if branch and self._degrading.skips(branch):
            raise BudgetSpent(f"branch {branch!r} is left out, because the budget is short")
        return self._degrading.role(role)

    async def _left_after(self, short: BudgetSpent) -> Left:
        """Say what would be left if the call had been made: below zero, so that rules hold.

        As it was then: calls that ended since may have freed what they had set aside.
        """
        view = await self.view()
        told = short.details[0] if short.details else {}
        unit = str(told.get("unit", "usd"))
        known = view.left(unit) or view.scarcest
        left = Decimal(str(told.get("left", known.left)))
        return Left(left=left - Decimal(str(told.get("needed", 0))), of=known.of)
