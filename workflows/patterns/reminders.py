"""Reminders: people an open gate waits for are told so in their channel."""

from workflows.calls import CHAT, ask
from workflows.data.common import Record
from workflows.data.effects import ChatOrder
from workflows.patterns.clock import now
from workflows.patterns.gate import Remind, Reminder


def by_chat(what: str) -> Remind:
    """Remind by chat that `what` waits: a kind and an id, as `order 17`."""

    async def remind(reminder: Reminder) -> Record:
        kind = "escalation" if reminder.level else "reminder"
        to = ", ".join(reminder.to)
        said = f"escalated to {to}" if reminder.level else f"waits for {to}"
        order = ChatOrder(
            template=f"{reminder.gate}-{kind}",
            # Of the moment: a task that is asked again counts its reminders anew.
            number=int(now().timestamp()),
            text=f"{what}, {reminder.gate}: {said}",
        )
        return await ask(CHAT, order)

    return remind
