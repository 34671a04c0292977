"""A shadow changes nothing outside: each Call is a look, or is kept from acting."""

from dataclasses import replace
from decimal import Decimal

import pytest
from temporalio.exceptions import ApplicationError

from activities.effects.doors import EffectActivities
from activities.wire import Wire
from runtime.context import CallContext, within_call
from runtime.settings import Settings
from store.database import Store
from store.ledger import Ledger
from store.shadows import Shadows
from tests.activities.outside import Outside, said
from workflows import calls
from workflows.data.accounts import AccountQuery
from workflows.data.effects import (
    AccountAction,
    AccountOrder,
    ChatOrder,
    EffectReceipt,
    MailOrder,
)
from workflows.data.orders import PaymentAction, PaymentOrder, PaymentQuery, PaymentState

SCOPE = "shadow-1"
SHADOW = CallContext(SCOPE, "", "worker", 1, shadow=True)
MAIL = MailOrder(template="offer", party_id="p", to="a@b.example", subject="An offer", body="...")


async def test_a_shadow_notes_its_effects_and_has_none(
    world: Outside, settings: Settings, store: Store, wire: Wire
) -> None:
    """Nothing is sent, the ledger stays empty, and a second attempt is the same effect."""
    effects = EffectActivities(settings, store, wire)
    account = AccountOrder(action=AccountAction.CREATE_CUSTOMER, case="acme", customer_name="Acme")
    with within_call(SHADOW):
        receipts = [
            await effects.account_service(account),
            await effects.account_service(account),
            await effects.send_mail(MAIL),
            await effects.chat_message(ChatOrder(template="offer", number=0, text="sent")),
        ]
    assert all(r.suppressed and r.reference.startswith("shadow-") for r in receipts)
    assert world.seen == []
    assert await Ledger(store).effects(SCOPE) == []
    noted = [(n.service, n.request) for n in await Shadows(store).suppressed(SCOPE)]
    assert [service for service, _ in noted] == ["accounts", "mail", "chat"]
    assert noted[1][1]["to"] == MAIL.to


async def test_a_shadow_sees_what_it_would_have_done(
    settings: Settings, store: Store, wire: Wire
) -> None:
    effects = EffectActivities(settings, store, wire)
    create = AccountOrder(action=AccountAction.CREATE_CUSTOMER, case="acme", customer_name="Acme")
    limit = AccountOrder(
        action=AccountAction.SET_LIMIT, case="acme", limit=Decimal(10), currency="EUR"
    )
    paid = PaymentOrder(action=PaymentAction.AUTHORISE, payment="p-1", amount=Decimal(5))
    with within_call(SHADOW):
        for order in (create, limit):
            await effects.account_service(order)
        await effects.payment_service(paid)
        account = await effects.account_state(AccountQuery(case="acme"))
        other = await effects.account_state(AccountQuery(case="other"))
        payment = await effects.payment_state(PaymentQuery(payment="p-1"))
    assert (account.name, account.limit, account.currency) == ("Acme", Decimal(10), "EUR")
    assert (other.customer, other.limit) == ("", None)
    assert payment.state is PaymentState.AUTHORISED


async def test_a_shadow_is_refused_what_its_case_was_refused(
    world: Outside, settings: Settings, store: Store, wire: Wire
) -> None:
    """The same order, the case's own id aside; another counts as done, and nothing is sent."""
    effects = EffectActivities(settings, store, wire)

    def paid(scope: str, amount: int) -> PaymentOrder:
        action = PaymentAction.AUTHORISE
        return PaymentOrder(action=action, payment=f"{scope}-1", amount=Decimal(amount))

    world.script.append(said({"error": "declined by the customer's bank"}, 402))
    with within_call(CallContext("of-1", "", "worker", 1)), pytest.raises(ApplicationError):
        await effects.payment_service(paid("of-1", 5))
    asked = len(world.seen)
    with within_call(replace(SHADOW, origins=("of-0", "of-1"))):
        with pytest.raises(ApplicationError, match="declined by the customer's bank"):
            await effects.payment_service(paid(SCOPE, 5))
        assert (await effects.payment_service(paid(SCOPE, 6))).suppressed
    assert len(world.seen) == asked == 1


NO_EFFECT = {
    *("resolve_roles", "ask_model", "submit_batch", "collect_batch", "cancel_batch"),
    *("company_register", "lei_record", "sanctions_search", "sanctions_list_file", "pep_search"),
    *("filings", "company_facts", "owners", "officers", "insolvency", "disqualifications"),
    *("debarments", "disqualifications_copy", "debarments_copy", "parents", "vat_number"),
    *("news_search", "domain_name", "rows_page", "warehouse_stock", "read_load", "read_service"),
    "read_endpoint",
}
"""Models and sources are asked; how things stand that no shadow changes is looked up."""
OF_THE_CASE = {
    *("open_budget", "read_cost", "read_budget", "run_step", "run_bulk", "keep_items"),
    *("claim_items", "keep_results", "spread_results", "keep_document", "read_document"),
    *("kept_items", "find_cleared_hit", "read_promotion"),
}
"""They read, or write what belongs to the case's own scope."""
KEPT_FROM_ACTING = {
    *("account_state", "payment_state", "keeper_message", "topic_message", "set_review"),
    "keep_cleared_hit",
    "keep_pace",
}
"""They know of shadows themselves (the first two see what was noted)."""


def test_every_call_is_known_to_change_nothing_outside_in_a_shadow() -> None:
    """Whoever adds a Call that acts outside must see to shadows, then name it here."""
    effects = {c.name for c in calls.ALL if c.output is EffectReceipt}
    known = effects | NO_EFFECT | OF_THE_CASE | KEPT_FROM_ACTING
    assert {c.name for c in calls.ALL} - known == set()
