"""Which code answers which Call, but for models and steps, which need what is deployed."""

from typing import Any, TypeAlias

from temporalio.client import Client

from activities.budgets import BudgetActivities
from activities.cleared import ClearedActivities
from activities.documents import DocumentActivities
from activities.doors import Answer
from activities.effects.doors import EffectActivities
from activities.journalled import CallDesk
from activities.load import LoadActivities
from activities.paces import PaceActivities
from activities.promotion import PromotionActivities
from activities.results import ResultActivities
from activities.services import ServiceActivities
from activities.sources.doors import SourceActivities
from activities.wire import Wire
from runtime.settings import Settings
from store.database import Store
from workflows import calls
from workflows.calls import Call

Pairs: TypeAlias = dict[Call[Any, Any], Answer[Any, Any]]


def inner_doors(
    settings: Settings, store: Store, wire: Wire, desk: CallDesk, client: Client
) -> Pairs:
    """Pair the Calls of the main queue with what answers them."""
    loads, services = LoadActivities(client, desk), ServiceActivities(client)
    return {
        **_outside(settings, store, wire, desk),
        **_kept(store),
        calls.READ_LOAD: loads.read_load,
        calls.READ_SERVICE: loads.read_service,
        calls.KEEP_PACE: PaceActivities(store, simulated=not settings.live).keep_pace,
        calls.KEEPER: services.keeper_message,
        calls.TOPIC: services.topic_message,
        calls.SET_REVIEW: services.set_review,
    }


def _outside(settings: Settings, store: Store, wire: Wire, desk: CallDesk) -> Pairs:
    sources = SourceActivities(settings, store, desk)
    effects = EffectActivities(settings, store, wire)
    return {
        calls.COMPANY: sources.company_register,
        calls.LEI: sources.lei_record,
        calls.SCREEN: sources.sanctions_search,
        calls.SCREEN_LIST: sources.sanctions_list_file,
        calls.PEP_SEARCH: sources.pep_search,
        calls.FILINGS: sources.filings,
        calls.FACTS: sources.company_facts,
        calls.OWNERS: sources.owners,
        calls.OFFICERS: sources.officers,
        calls.INSOLVENCY: sources.insolvency,
        calls.DISQUALIFICATIONS: sources.disqualifications,
        calls.DEBARMENTS: sources.debarments,
        calls.DISQUALIFICATIONS_COPY: sources.disqualifications_copy,
        calls.DEBARMENTS_COPY: sources.debarments_copy,
        calls.PARENTS: sources.parents,
        calls.VAT: sources.vat_number,
        calls.NEWS: sources.news_search,
        calls.DOMAIN: sources.domain_name,
        calls.ACCOUNT: effects.account_service,
        calls.EXTRACT: effects.rows_page,
        calls.LOAD: effects.load_batch,
        calls.ACCOUNT_STATE: effects.account_state,
        calls.PAYMENT: effects.payment_service,
        calls.PAYMENT_STATE: effects.payment_state,
        calls.STOCK: effects.warehouse,
        calls.STOCK_FREE: effects.warehouse_stock,
        calls.LABEL: effects.carrier,
        calls.MAIL: effects.send_mail,
        calls.CHAT: effects.chat_message,
        calls.ENDPOINT: effects.call_endpoint,
        calls.ANNOUNCE: effects.announce,
        calls.ENDPOINT_VIEW: effects.read_endpoint,
    }


def _kept(store: Store) -> Pairs:
    results = ResultActivities(store)
    documents = DocumentActivities(store)
    budgets = BudgetActivities(store)
    cleared = ClearedActivities(store)
    return {
        calls.READ_PROMOTION: PromotionActivities(store).read_promotion,
        calls.KEEP_ITEMS: results.keep_items,
        calls.KEPT_ITEMS: results.kept_items,
        calls.CLAIM_ITEMS: results.claim_items,
        calls.KEEP_RESULTS: results.keep_results,
        calls.SPREAD_RESULTS: results.spread_results,
        calls.KEEP_DOCUMENT: documents.keep_document,
        calls.READ_DOCUMENT: documents.read_document,
        calls.OPEN_BUDGET: budgets.open_budget,
        calls.READ_BUDGET: budgets.read_budget,
        calls.READ_COST: budgets.read_cost,
        calls.FIND_CLEARED_HIT: cleared.find_cleared_hit,
        calls.KEEP_CLEARED_HIT: cleared.keep_cleared_hit,
    }
