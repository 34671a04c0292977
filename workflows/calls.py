"""Every door to the world: one typed `Call` per activity, and `ask`, which opens it.

A process writes `await ask(calls.COMPANY, CompanyQuery(...))`. The Call holds the contract
(name, records, queue, timeouts, retries); which code answers is decided in `worker.py`.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows.data import accounts, endpoints, orders, paces, pipeline, promotion, scheduled
from workflows.data.announce import Announcement
from workflows.data.batch import BatchOrder, BatchPage, BatchQuery, BatchTicket
from workflows.data.budget import BudgetOrder, BudgetQuery, BudgetView, CostQuery
from workflows.data.chunk import BulkEnd, BulkOrder
from workflows.data.common import CostView, Record
from workflows.data.documents import Document
from workflows.data.effects import AccountOrder, ChatOrder, EffectReceipt, MailOrder
from workflows.data.events import Posted, TopicMessage
from workflows.data.hits import ClearedAnswer, ClearedHit, ClearedQuery
from workflows.data.llm import ModelAnswer, ModelRequest, RoleBook, RoleQuery
from workflows.data.news import DomainAnswer, DomainQuery, NewsAnswer, NewsQuery
from workflows.data.registers import (
    DebarmentsAnswer,
    DebarmentsQuery,
    DisqualificationsAnswer,
    DisqualificationsQuery,
    InsolvencyAnswer,
    InsolvencyQuery,
    OfficersAnswer,
    OfficersQuery,
    OwnersAnswer,
    OwnersQuery,
    ParentsAnswer,
    ParentsQuery,
    VatAnswer,
    VatQuery,
)
from workflows.data.resources import KeeperMessage
from workflows.data.route import Load, LoadQuery, ServiceQuery, ServiceView
from workflows.data.sources import (
    CompanyAnswer,
    CompanyQuery,
    FactsAnswer,
    FactsQuery,
    FilingsAnswer,
    FilingsQuery,
    LeiAnswer,
    LeiQuery,
    ScreenAnswer,
    ScreenQuery,
)
from workflows.data.spread import (
    ItemBatch,
    ItemClaim,
    ItemPage,
    ItemsClaimed,
    Kept,
    PageQuery,
    ResultBatch,
    ResultPage,
    ResultQuery,
)
from workflows.data.steps import StepOrder, StepResult
from workflows.errors import ScopeClosed
from workflows.scope import current_scope

In = TypeVar("In", bound=Record)
Out = TypeVar("Out", bound=Record)

MAIN_QUEUE = "braid"
HEARTBEAT = timedelta(seconds=5)
WITH_PERMIT = timedelta(days=1)
"""Bounds an attempt that takes a permit: it may wait long while limits leave no room or people
paused the service. The exchange itself is bounded by the wire's timeouts, a dead worker is found by
its heartbeats, so the day only ends what nothing else does.
"""
FIRST_PAUSE = timedelta(milliseconds=50)
"""Before the second attempt: a crash costs an attempt, not a second. It doubles, up to 30 s."""


@dataclass(frozen=True)
class Call(Generic[In, Out]):
    """The contract of one activity.

    `timeout` bounds one attempt; `attempts` counts the first. `queue` None means the queue of
    the workflow itself. `version` is part of the journal key: raise it when the same request
    should be asked anew. A Call that is `always_visible` (sources, effects) is an activity of its
    own in every grade. One with `queue_per_request` is told its queue by each `ask`. One that is
    `fresh` says how something stands now: a fused step keeps no answer of it.
    """

    name: str
    input: type[In]
    output: type[Out]
    timeout: timedelta
    attempts: int
    queue: str | None = None
    version: int = 1
    always_visible: bool = False
    queue_per_request: bool = False
    fresh: bool = False


Door = Callable[[Call[Any, Any], Record], Awaitable[Record]]
Refuse = Callable[[str], Exception]
"""Given what a fused step may not reach, gives the error to raise there."""

_door: ContextVar[Door | None] = ContextVar("braid_door", default=None)
_refuse: ContextVar[Refuse | None] = ContextVar("braid_refuse", default=None)


@contextmanager
def open_door(door: Door, *, refuse: Refuse | None = None) -> Iterator[None]:
    """Answer every Call inside with `door` instead of an activity: in pure tests, and in fused
    steps, which also `refuse` what only a workflow can do.
    """
    opened, refusing = _door.set(door), _refuse.set(refuse)
    try:
        yield
    finally:
        _door.reset(opened)
        _refuse.reset(refusing)


@contextmanager
def refusing(refuse: Refuse) -> Iterator[None]:
    """Refuse inside what a fused step refuses too: Calls that are always visible, gates, hops."""
    before = _refuse.set(refuse)
    try:
        yield
    finally:
        _refuse.reset(before)


async def ask(call: Call[In, Out], request: In, *, queue: str | None = None) -> Out:
    """Open a door to the world and return its answer.

    Raises ActivityError when all attempts failed, ScopeClosed when the branch was given up.
    """
    scope = current_scope()
    if scope.is_closed():
        raise ScopeClosed(f"branch {scope.name!r} was given up and may not call {call.name!r}")
    if call.always_visible:
        only_in_workflow(f"call {call.name!r}, always visible,")
    if (door := _door.get()) is not None:
        return cast(Out, await door(call, request))
    answer = await workflow.execute_activity(
        call.name,
        request,
        result_type=call.output,
        task_queue=on_queue(queue or call.queue),
        start_to_close_timeout=call.timeout,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=retries(call.attempts),
        summary=f"{scope.name}: {queue or call.name}" if scope.name else queue or call.name,
    )
    return cast(Out, answer)


def is_open() -> bool:
    """Say whether a door is open: Calls are answered here, without an activity each."""
    return _door.get() is not None


def only_in_workflow(what: str) -> None:
    """Raise NotInStep, naming `what`, if this code runs in a fused step instead of a workflow."""
    if (refuse := _refuse.get()) is not None:
        raise refuse(what)


def on_queue(queue: str | None) -> str | None:
    """Name the queue for this deployment: a workflow on `braid-x` uses `llm-openai-x`."""
    if queue is None:
        return None
    return queue + workflow.info().task_queue.removeprefix(MAIN_QUEUE)


def retries(attempts: int) -> RetryPolicy:
    """Give the back-off of every Call."""
    return RetryPolicy(
        initial_interval=FIRST_PAUSE,
        maximum_interval=timedelta(seconds=30),
        maximum_attempts=attempts,
    )


def _source(name: str, query: type[In], answer: type[Out]) -> Call[In, Out]:
    return Call(name, query, answer, timeout=WITH_PERMIT, attempts=5, always_visible=True)


def _effect(name: str, order: type[In], attempts: int) -> Call[In, EffectReceipt]:
    return Call(name, order, EffectReceipt, timedelta(seconds=30), attempts, always_visible=True)


def _look(name: str, query: type[In], answer: type[Out]) -> Call[In, Out]:
    """Make a Call that asks how an effect stands now: no reply of it is kept."""
    timeout = timedelta(seconds=30)
    return Call(name, query, answer, timeout, attempts=8, always_visible=True, fresh=True)


def _service(name: str, message: type[In]) -> Call[In, Posted]:
    return Call(name, message, Posted, timedelta(seconds=10), attempts=20, always_visible=True)


def _kept(name: str, message: type[In], answer: type[Out]) -> Call[In, Out]:
    return Call(name, message, answer, timeout=timedelta(seconds=30), attempts=20)


def _batch(name: str, message: type[In], answer: type[Out]) -> Call[In, Out]:
    return Call(name, message, answer, timedelta(minutes=5), attempts=12, queue_per_request=True)


RESOLVE_ROLES = Call("resolve_roles", RoleQuery, RoleBook, timedelta(seconds=10), attempts=10)
ASK_MODEL = Call(
    "ask_model",
    ModelRequest,
    ModelAnswer,
    timeout=WITH_PERMIT,
    attempts=100,
    queue_per_request=True,  # the vendor's
)
"""The activity counts how often the vendor failed; the attempts here are for workers that die."""

SUBMIT_BATCH = _batch("submit_batch", BatchOrder, BatchTicket)
COLLECT_BATCH = _batch("collect_batch", BatchQuery, BatchPage)
CANCEL_BATCH = _batch("cancel_batch", BatchTicket, BatchTicket)
OPEN_BUDGET = _kept("open_budget", BudgetOrder, BudgetView)
READ_COST = replace(_kept("read_cost", CostQuery, CostView), fresh=True)
READ_BUDGET = replace(_kept("read_budget", BudgetQuery, BudgetView), fresh=True)

COMPANY = _source("company_register", CompanyQuery, CompanyAnswer)
LEI = _source("lei_record", LeiQuery, LeiAnswer)
SCREEN = _source("sanctions_search", ScreenQuery, ScreenAnswer)
SCREEN_LIST = _source("sanctions_list_file", ScreenQuery, ScreenAnswer)
PEP_SEARCH = _source("pep_search", ScreenQuery, ScreenAnswer)
FILINGS = _source("filings", FilingsQuery, FilingsAnswer)
FACTS = _source("company_facts", FactsQuery, FactsAnswer)
OWNERS = _source("owners", OwnersQuery, OwnersAnswer)
OFFICERS = _source("officers", OfficersQuery, OfficersAnswer)
INSOLVENCY = _source("insolvency", InsolvencyQuery, InsolvencyAnswer)
DISQUALIFICATIONS = _source("disqualifications", DisqualificationsQuery, DisqualificationsAnswer)
DEBARMENTS = _source("debarments", DebarmentsQuery, DebarmentsAnswer)
DISQUALIFICATIONS_COPY = _source("disqualifications_copy", ScreenQuery, ScreenAnswer)
DEBARMENTS_COPY = _source("debarments_copy", ScreenQuery, ScreenAnswer)
PARENTS = _source("parents", ParentsQuery, ParentsAnswer)
VAT = _source("vat_number", VatQuery, VatAnswer)
NEWS = _source("news_search", NewsQuery, NewsAnswer)
DOMAIN = _source("domain_name", DomainQuery, DomainAnswer)

ACCOUNT = _effect("account_service", AccountOrder, attempts=8)
ACCOUNT_STATE = _look("account_state", accounts.AccountQuery, accounts.AccountView)
PAYMENT = _effect("payment_service", orders.PaymentOrder, attempts=8)
PAYMENT_STATE = _look("payment_state", orders.PaymentQuery, orders.PaymentView)
STOCK = _effect("warehouse", orders.StockOrder, attempts=8)
STOCK_FREE = _look("warehouse_stock", orders.StockQuery, orders.StockView)
LABEL = _effect("carrier", orders.LabelOrder, attempts=8)
EXTRACT = _look("rows_page", pipeline.PageOfRows, pipeline.RowsPage)
LOAD = _effect("load_batch", pipeline.LoadOrder, attempts=8)
MAIL = _effect("send_mail", MailOrder, attempts=8)
CHAT = _effect("chat_message", ChatOrder, attempts=4)
ENDPOINT = _effect("call_endpoint", endpoints.EndpointOrder, attempts=8)
ANNOUNCE = _effect("announce", Announcement, attempts=40)
ENDPOINT_VIEW = _look("read_endpoint", endpoints.EndpointQuery, endpoints.EndpointView)

RUN_STEP = Call("run_step", StepOrder, StepResult, timeout=timedelta(hours=1), attempts=20)
RUN_BULK = Call("run_bulk", BulkOrder, BulkEnd, timeout=WITH_PERMIT, attempts=20)
"""A fused step, and one for items of a spread; who schedules them sets the step's own bounds."""

READ_LOAD = Call("read_load", LoadQuery, Load, timedelta(seconds=10), attempts=3, fresh=True)
READ_SERVICE = Call("read_service", ServiceQuery, ServiceView, timedelta(seconds=10), attempts=3)

KEEPER = _service("keeper_message", KeeperMessage)
TOPIC = _service("topic_message", TopicMessage)
SET_REVIEW = _kept("set_review", scheduled.ReviewDays, scheduled.Rescheduled)
READ_PROMOTION = _kept("read_promotion", promotion.PromotionQuery, promotion.NewCase)

KEEP_ITEMS = _kept("keep_items", ItemBatch, Kept)
KEPT_ITEMS = _kept("kept_items", PageQuery, ItemPage)
CLAIM_ITEMS = _kept("claim_items", ItemClaim, ItemsClaimed)
KEEP_RESULTS = _kept("keep_results", ResultBatch, Kept)
SPREAD_RESULTS = _kept("spread_results", ResultQuery, ResultPage)

KEEP_DOCUMENT = _kept("keep_document", Document, Document)
"""A document's text goes to the store; the answer is a reference."""
READ_DOCUMENT = _kept("read_document", Document, Document)
"""A reference's text comes from the store."""

FIND_CLEARED_HIT = _kept("find_cleared_hit", ClearedQuery, ClearedAnswer)
KEEP_CLEARED_HIT = _kept("keep_cleared_hit", ClearedHit, ClearedHit)
KEEP_PACE = _kept("keep_pace", paces.Pace, paces.Pace)

ALL: tuple[Call[Any, Any], ...] = tuple(v for v in vars().values() if isinstance(v, Call))
"""Every Call; `worker.py` must answer each (test)."""
