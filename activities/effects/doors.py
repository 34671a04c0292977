"""The doors to effects: one method per Call."""

from activities.effects.accounts import order_account
from activities.effects.chat import post_message
from activities.effects.mail import send_mail
from activities.effects.performing import EffectDesk
from activities.wire import Wire
from runtime.settings import Settings
from store.database import Store
from workflows.data.effects import AccountOrder, ChatOrder, EffectReceipt, MailOrder


class EffectActivities:
    """Changes in the outside world, each once (or, where nobody can tell, `unclear`)."""

    def __init__(self, settings: Settings, store: Store, wire: Wire) -> None:
        self._desk = EffectDesk(settings, store, wire)

    async def account_service(self, order: AccountOrder) -> EffectReceipt:
        """Do or undo one thing at the customer and account service."""
        return await order_account(self._desk, order)

    async def send_mail(self, order: MailOrder) -> EffectReceipt:
        """Send one mail, at most once."""
        return await send_mail(self._desk, order)

    async def chat_message(self, order: ChatOrder) -> EffectReceipt:
        """Post one message to the reviewers' channel, at most once."""
        return await post_message(self._desk, order)
