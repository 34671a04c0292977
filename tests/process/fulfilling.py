"""A shop without a network: the simulator's own services, where any call may fail or be late."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from temporalio.exceptions import ApplicationError

from simulator.book import Book
from simulator.effects.carrier import Labels
from simulator.effects.keyed import Keyed
from simulator.effects.payments import Payments
from simulator.effects.warehouses import LEVELS, Warehouses
from simulator.exchange import Asked, Reply
from simulator.state import StateFile
from tests.patterns.virtual import DAY, run
from tests.support.world import example
from workflows import calls
from workflows.data.common import Decision, Record, Verdict
from workflows.data.effects import EffectReceipt, MailOrder
from workflows.data.orders import (
    LabelOrder,
    OrderCase,
    OrderOutcome,
    OrderResult,
    PaymentOrder,
    PaymentQuery,
    StockOrder,
    StockQuery,
)
from workflows.errors import call_failed
from workflows.patterns.gate import GateResult, GateSpec
from workflows.patterns.tasks import Tasks
from workflows.steps.orders.fulfilling import Fulfilment

T = TypeVar("T")
NUMBER = "of-1"
SECONDS = {
    "authorise": 3.0,
    "stock hamburg": 0.5,
    "stock lyon": 1.0,
    "reserve hamburg": 1.0,
    "reserve lyon": 2.0,
    "make_label 1": 2.5,
    "ship hamburg": 1.0,
    "capture": 2.0,
}
"""How long each call takes; any other takes none."""
DEEDS = ("authorise", "reserve", "make_label", "ship", "capture")
"""First words of the steps that do something."""


def order(**changes: Any) -> OrderCase:
    """Two lines that Hamburg (cheaper) and Lyon can serve."""
    policy = {"warehouses": ("lyon", "hamburg"), **changes.pop("stock", {})}
    return example("order-fulfilment/ready", OrderCase, stock=policy, **changes)


@dataclass
class Shop:
    """A door. `wrong` says of a call how it fails: `refused`, `down` (nothing happened) or `lost`
    (it happened, the answer did not come). A call that is cancelled under way goes on all the same.
    """

    wrong: Mapping[str, str] = field(default_factory=dict)
    slower: Mapping[str, float] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    mails: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    under_way: list[asyncio.Task[Record]] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    """Calls that took effect though their answer did not come."""

    def __post_init__(self) -> None:
        state = StateFile(None)
        self.services = {
            "payments": Keyed(PaymentOrder, Payments(self.book), state, self.book),
            "warehouses": Keyed(StockOrder, Warehouses(self.book), state, self.book),
            "carrier": Keyed(LabelOrder, Labels(self.book), state, self.book),
        }

    async def __call__(self, call: Any, request: Record) -> Record:
        what = told(request)
        self.asked.append(what)
        task = asyncio.ensure_future(self._perform(call, request, what))
        self.under_way.append(task)
        return await asyncio.shield(task)

    async def _perform(self, call: Any, request: Record, what: str) -> Record:
        await asyncio.sleep({**SECONDS, **self.slower}.get(what, 0))
        how = self.wrong.get(what)
        if how == "refused":
            raise call_failed(call.name, ApplicationError("no", type="EffectRefused"))
        if how == "down":
            raise call_failed(call.name, ApplicationError("down", type="EffectUnavailable"))
        answer = self._answer(call, request)
        if how == "lost":
            self.lost.add(what)
            raise call_failed(call.name, ApplicationError("lost", type="EffectUnavailable"))
        return answer

    def _answer(self, call: Any, request: Record) -> Record:
        if isinstance(request, MailOrder):
            self.mails[request.template] += 1
            return EffectReceipt(key="m", reference="m")
        reply = self._reply(request)
        if reply.status >= 400:
            raise call_failed(call.name, ApplicationError(str(reply.body), type="EffectRefused"))
        if call.output is EffectReceipt:
            return EffectReceipt(key="k", reference="r")
        found: Record = call.output.model_validate(reply.body)
        return found

    def _reply(self, request: Record) -> Reply:
        if isinstance(request, PaymentQuery):
            asked = Asked("payments", "GET", f"/payments/{request.payment}")
        elif isinstance(request, StockQuery):
            query = {"skus": ",".join(request.skus), "country": request.country}
            asked = Asked("warehouses", "GET", f"/{request.warehouse}/stock", query)
        else:
            kinds = {k.kind: name for name, k in self.services.items()}
            headers = {"idempotency-key": told(request)}
            body = request.model_dump_json().encode()
            asked = Asked(kinds[type(request)], "POST", "/orders", headers=headers, body=body)
        return self.services[asked.service].answer(asked)

    @property
    def deeds(self) -> list[str]:
        """Steps that were begun and do something, in order."""
        return [what for what in dict.fromkeys(self.asked) if what.split()[0] in DEEDS]

    async def decide(self, spec: GateSpec, _remind: object = None) -> GateResult:
        """Be the person: days later have an undo tried again, now that the trouble is over."""
        await asyncio.sleep(3 * DAY)
        self.tasks.append(spec.name)
        assert len(self.tasks) < 5, "tried again in vain"
        self.wrong = {}
        verdict = Verdict.RETRY if Verdict.RETRY in spec.verdicts else Verdict.DONE
        said = Decision(verdict=verdict, by="ines", gate=spec.name)
        return GateResult((said,))

    def check(self, result: OrderResult | None) -> None:
        """Check that the books balance: of what was begun all stands or nothing does."""
        fulfilled = result is not None and result.outcome is OrderOutcome.FULFILLED
        payments, stock, labels = (self.book.held[s] for s in self.services)
        assert set(payments.values()) <= ({"captured"} if fulfilled else {"voided", "refunded"})
        assert set(self.book.performed.values()) <= {1}, "nothing is done twice"
        kept = {name for name, state in stock.items() if state != "released"}
        made = {name for name, state in labels.items() if state != "voided"}
        parcels = result.parcels if fulfilled and result else ()
        assert kept == {f"{p.warehouse}:{NUMBER}" for p in parcels}
        assert {stock[name] for name in kept} <= {"shipped"}
        assert made == {p.label for p in parcels}
        for warehouse, level in LEVELS.items():
            query = StockQuery(warehouse=warehouse, skus=tuple(level), country="DE")
            all_free = self._reply(query).body["free"] == level  # type: ignore[index]
            assert all_free is (warehouse not in [p.warehouse for p in parcels])
        assert sum(self.mails.values()) <= 1
        if result is not None and self.mails:
            assert set(self.mails) == {result.outcome}


def every_way(given: OrderCase, hows: Sequence[str]) -> Iterator[tuple[Shop, OrderResult]]:
    """Fulfil an order in every combination of its steps going well or failing in these ways.

    Each way through is gone once: what is not reached in it can fail or not, it is the same.
    """
    ways: list[dict[str, str]] = [{}]
    while ways:
        wrong = ways.pop()
        shop = Shop(wrong)
        yield shop, run(fulfilled(shop, given))
        for deed in (d for d in shop.deeds if d not in wrong):
            ways += [{**wrong, deed: how} for how in hows]
            wrong = {**wrong, deed: ""}  # in the ways that follow it goes well


class Alone:
    """A host without a workflow."""

    async def branch(self, _name: str, work: Callable[[], Awaitable[T]]) -> T:
        return await work()

    def enter(self, phase: str, outcome: str | None = None) -> None:
        pass


async def fulfilled(shop: Shop, given: OrderCase, cancel_at: float | None = None) -> OrderResult:
    """Fulfil an order, cancelled after so many seconds; then wait for what is under way still."""
    tasks = Tasks(shop.decide, {"ines": frozenset({"desk"})})
    with calls.open_door(shop):
        working = asyncio.ensure_future(Fulfilment(Alone(), given, NUMBER, tasks).run())
        if cancel_at is not None:
            await asyncio.sleep(cancel_at)
            working.cancel()
        try:
            return await working
        finally:
            await asyncio.gather(*shop.under_way, return_exceptions=True)


def told(request: Record) -> str:
    """Name what is asked, as `reserve lyon`."""
    match request:
        case StockOrder():
            return f"{request.action} {request.warehouse}"
        case StockQuery():
            return f"stock {request.warehouse}"
        case LabelOrder():
            return f"{request.action} {request.label.removeprefix(f'{NUMBER}-')}"
        case PaymentOrder():
            return str(request.action)
        case MailOrder():
            return "mail"
        case _:
            return "look up"
