"""The actions of a proposal: in order, undone together if one fails, then read back."""

from functools import partial

from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import ACCOUNT, ACCOUNT_STATE, CHAT, ask
from workflows.data.accounts import AccountQuery, AccountView
from workflows.data.common import Record
from workflows.data.effects import AccountAction, AccountOrder, ChatOrder, EffectState, MailOrder
from workflows.data.proposal import ProposalAction, ProposalCase, ProposalDraft
from workflows.errors import reason
from workflows.patterns.clock import shielded
from workflows.patterns.notice import notify, until_done
from workflows.patterns.saga import Saga
from workflows.patterns.tasks import Tasks
from workflows.rules import proposal as rules

UNDOABLE = {
    ProposalAction.RECORD_CUSTOMER: (AccountAction.CREATE_CUSTOMER, AccountAction.DELETE_CUSTOMER),
    ProposalAction.OPEN_ACCOUNT: (AccountAction.OPEN_ACCOUNT, AccountAction.CLOSE_ACCOUNT),
    ProposalAction.RESERVE_AMOUNT: (AccountAction.SET_LIMIT, AccountAction.CLEAR_LIMIT),
}
"""Each action at the account service with the one that undoes it."""


class Actions:
    """Does what was planned for one proposal. `number`, the workflow's id, names it at services.

    `failed` says why nothing was sent, `done`, `undone`, `told`, `verified` and `by_hand` the rest.
    """

    def __init__(self, case: ProposalCase, number: str, tasks: Tasks) -> None:
        self.case, self.number, self.tasks = case, number, tasks
        self.done: tuple[ProposalAction, ...] = ()
        self.undone: tuple[str, ...] = ()
        self.verified: tuple[ProposalAction, ...] = ()
        self.by_hand: tuple[str, ...] = ()
        self.told = self.failed = ""

    async def act(self, plan: tuple[ProposalAction, ...], offer: ProposalDraft) -> None:
        """Do all that can be undone, and only then send what cannot."""
        saga = Saga(self.tasks)
        try:
            async with saga:
                for action in plan:
                    if action in UNDOABLE:
                        do, undo = (partial(self._order, a) for a in UNDOABLE[action])
                        how = f"{UNDOABLE[action][1]} of case {self.number} at the account service"
                        await saga.step(action, do, undo, how=how)
                        self.done += (action,)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self.failed, self.done = reason(error), ()
            self.undone = tuple(u.step for u in saga.undone)
            self.by_hand = tuple(f"{u.step}: {u.by}" for u in saga.undone if u.by)
            return
        # From here on it is brought to its end: an account without its offer would be half a thing.
        await shielded(self._send(offer))

    async def _send(self, offer: ProposalDraft) -> None:
        customer = self.case.customer
        mail = MailOrder(
            template="offer",
            party_id=customer.party_id,
            to=customer.contact,
            subject=offer.title,
            body=offer.text,
        )
        self.told = await notify(mail, self.tasks)
        self.done += (ProposalAction.SEND_OFFER,)
        await self._tell_sales()
        await self._verify()

    async def _tell_sales(self) -> None:
        """Tell the sales channel, at most once; nothing depends on it."""
        text = f"the offer {self.case.case} went to {self.case.customer.name}"
        try:
            told = await ask(CHAT, ChatOrder(template="offer", number=0, text=text))
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return
        if told.state is EffectState.DONE:
            self.done += (ProposalAction.TELL_SALES,)

    async def _verify(self) -> None:
        """Read back what was done; what does not stand there is put right by a person."""
        now = await self._now()
        held = [a for a in self.done if rules.holds(a, self.case, now)]
        if wrong := [a for a in self.done if a not in held]:
            names = ", ".join(wrong)
            question = f"{names} of {self.number} cannot be read back as done. Put it right."
            self.by_hand = (f"{names}: {await until_done('verification', question, self.tasks)}",)
        self.verified = tuple(held)

    async def _now(self) -> AccountView:
        """Read how the customer stands; what cannot be read counts as not there."""
        try:
            return await ask(ACCOUNT_STATE, AccountQuery(case=self.number))
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return AccountView(case=self.number)

    async def _order(self, action: AccountAction) -> Record:
        setting = action is AccountAction.SET_LIMIT
        order = AccountOrder(
            action=action,
            case=self.number,
            customer_name=self.case.customer.name,
            limit=self.case.value if setting else None,
            currency=self.case.currency if setting else "",
        )
        return await ask(ACCOUNT, order)
