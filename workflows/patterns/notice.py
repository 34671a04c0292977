"""Notice: tell somebody by mail exactly once; if that fails or is unclear, a person sees to it.

`by = await notify(MailOrder(...), tasks)` is `mail`, or the name of who told them otherwise.
"""

from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import MAIL, ask
from workflows.data.common import Verdict
from workflows.data.effects import EffectState, MailOrder
from workflows.errors import reason
from workflows.patterns.tasks import Tasks

BY_MAIL = "mail"


async def notify(order: MailOrder, tasks: Tasks) -> str:
    """Mail at most once; what was not sent, or may not have been, becomes a task.

    Its template and party are the ledger's key: two mails of one template to one party are one, so
    use one template for all a case may end with. Gives who told: `mail`, or a person.
    """
    try:
        receipt = await ask(MAIL, order)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return await _by_hand(order, tasks, f"was not sent ({reason(error)})")
    if receipt.state is EffectState.UNCLEAR:
        return await _by_hand(order, tasks, "may not have been sent")
    return BY_MAIL


async def _by_hand(order: MailOrder, tasks: Tasks, why: str) -> str:
    question = (
        f"The mail {order.subject!r} to {order.to} {why}. Look whether it came; tell them otherwise"
        " if not, then say done."
    )
    return await until_done(f"tell {order.party_id} {order.template}", question, tasks)


async def until_done(name: str, question: str, tasks: Tasks) -> str:
    """Ask until somebody says that it is done, however long that takes; give who."""
    return (await tasks.settled(name, question, (Verdict.DONE,))).by
