"""The doors to effects: one method per Call."""

from activities.effects import announcing, endpoints
from activities.effects.accounts import account_state, order_account
from activities.effects.chat import post_message
from activities.effects.fulfilment import (
    order_label,
    order_payment,
    order_stock,
    payment_state,
    stock_free,
)
from activities.effects.mail import send_mail
from activities.effects.performing import EffectDesk
from activities.effects.pipeline import load_batch, page_of_rows
from activities.wire import Wire
from runtime.settings import Settings
from store.database import Store
from workflows.data.accounts import AccountQuery, AccountView
from workflows.data.announce import Announcement
from workflows.data.effects import AccountOrder, ChatOrder, EffectReceipt, MailOrder
from workflows.data.endpoints import EndpointOrder, EndpointQuery, EndpointView
from workflows.data.orders import (
    LabelOrder,
    PaymentOrder,
    PaymentQuery,
    PaymentView,
    StockOrder,
    StockQuery,
    StockView,
)
from workflows.data.pipeline import LoadOrder, PageOfRows, RowsPage


class EffectActivities:
    """Changes in the outside world, each once (or, where nobody can tell, `unclear`)."""

    def __init__(self, settings: Settings, store: Store, wire: Wire) -> None:
        self._desk = EffectDesk(settings, store, wire)

    async def account_service(self, order: AccountOrder) -> EffectReceipt:
        """Do or undo one thing at the customer and account service."""
        return await order_account(self._desk, order)

    async def account_state(self, query: AccountQuery) -> AccountView:
        """Look up how the customer of a case stands."""
        return await account_state(self._desk, query)

    async def payment_service(self, order: PaymentOrder) -> EffectReceipt:
        """Do one thing with a payment."""
        return await order_payment(self._desk, order)

    async def payment_state(self, query: PaymentQuery) -> PaymentView:
        """Look up how a payment stands."""
        return await payment_state(self._desk, query)

    async def warehouse(self, order: StockOrder) -> EffectReceipt:
        """Do one thing with a reservation."""
        return await order_stock(self._desk, order)

    async def warehouse_stock(self, query: StockQuery) -> StockView:
        """Look up what a warehouse has."""
        return await stock_free(self._desk, query)

    async def carrier(self, order: LabelOrder) -> EffectReceipt:
        """Make or void a shipping label."""
        return await order_label(self._desk, order)

    async def rows_page(self, query: PageOfRows) -> RowsPage:
        """Read a page of a source of rows, as it is now."""
        return await page_of_rows(self._desk, query)

    async def load_batch(self, order: LoadOrder) -> EffectReceipt:
        """Bring a batch into a table, or set its bad rows aside."""
        return await load_batch(self._desk, order)

    async def send_mail(self, order: MailOrder) -> EffectReceipt:
        """Send one mail, at most once."""
        return await send_mail(self._desk, order)

    async def chat_message(self, order: ChatOrder) -> EffectReceipt:
        """Post one message to the reviewers' channel, at most once."""
        return await post_message(self._desk, order)

    async def call_endpoint(self, order: EndpointOrder) -> EffectReceipt:
        """Post to an endpoint of the allow-list."""
        return await endpoints.post(self._desk, order)

    async def read_endpoint(self, query: EndpointQuery) -> EndpointView:
        """Read from an endpoint of the allow-list."""
        return await endpoints.look(self._desk, query)

    async def announce(self, announcement: Announcement) -> EffectReceipt:
        """Tell an endpoint of the allow-list what happened to a case."""
        return await announcing.tell(self._desk, announcement)
