"""How every effect is performed: claimed in the ledger, sent, settled. A shadow's is only noted.

Two manners. `repeatable`: the other side knows idempotency keys, so an unsettled claim is
performed again. `at_most_once`: it does not, so an unsettled claim becomes `unclear` and an
open task, and nothing is sent a second time.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import TypeVar

from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

from activities.failures import failure, final, pause, retryable
from activities.guarded import Guarded
from activities.journalled import Answered
from activities.posture import Advice, judge
from activities.shadowing import Shadowing
from activities.wire import HttpRequest, Lost, NotSent, Reply, Wire, WireError
from runtime.context import call_context
from runtime.settings import Settings, SettingsError
from store.breakers import BreakerRule
from store.database import Store
from store.errors import StoreConflict
from store.journal import canonical
from store.lasting import until_written
from store.ledger import Ledger, Pending, Settled, Standing, Unclear
from store.refusals import Refusals
from workflows.data.common import Record
from workflows.data.effects import EffectReceipt, EffectState

R = TypeVar("R", bound=Record)
NOT_ACCEPTED = frozenset({408, 425, 429, 503})
"""Statuses by which a service says it did nothing yet and may be asked again."""


@dataclass(frozen=True)
class Order:
    """One effect: the ledger's key, its kind, the service, and what is wanted, by which a second
    order under the same key is told from the first.
    """

    key: str
    effect: str
    service: str
    body: Mapping[str, object]


@dataclass(frozen=True)
class HttpOrder(Order):
    """An effect brought about by posting its body as JSON."""

    path: str
    headers: Mapping[str, str]
    bare: bool = False
    """Any answer of 2xx will do; the other side names no reference."""

    def request(self) -> HttpRequest:
        """Write the order as it is sent."""
        content = canonical(self.body).encode()
        headers = {"content-type": "application/json"} | dict(self.headers)
        return HttpRequest("POST", self.path, content, headers)


class NotAccepted(Exception):
    """The other side did nothing yet, and may be asked again."""


class TurnedDown(Exception):
    """The other side refuses, for good; nothing was done."""


Send = Callable[[], Awaitable[str]]
"""Sends an order and gives the other side's reference.

Raises NotSent, Answered, NotAccepted and SettingsError if surely nothing was done, TurnedDown if
nothing ever will be; any other WireError leaves it open what was done.
"""


def effect_key(*parts: object) -> str:
    """Give the key of an effect: sha256 of its canonical parts, the scope first."""
    return sha256(canonical(list(parts)).encode()).hexdigest()


class EffectDesk:
    """Performs effects under the ledger."""

    def __init__(self, settings: Settings, store: Store, wire: Wire) -> None:
        self.settings = settings
        self._store = store
        self._ledger = Ledger(store)
        self._refusals = Refusals(store)
        self.shadowing = Shadowing(store)
        self.guard = Guarded(store, wire, BreakerRule(pause=settings.breaker_pause))

    def now(self) -> datetime:
        """Read the clock."""
        return self._store.clock()

    async def repeatable(self, order: HttpOrder) -> EffectReceipt:
        """Perform an effect whose other side answers the same key with the same result.

        Raises EffectUnavailable and EffectNonsense (another attempt may help), EffectRefused
        and NotConfigured (none will).
        """
        if call_context().shadow:
            return await self._suppressed(order)
        standing = await self._claim(order)
        if isinstance(standing, Settled):
            return EffectReceipt(key=order.key, reference=standing.reference)
        wait = pause(call_context().attempt, self.settings.retry_pause)
        try:
            endpoint = self.settings.endpoint(order.service)
            reply = await self.guard.exchange(order.service, endpoint, order.request())
        except (WireError, SettingsError) as trouble:
            raise failure("Effect", trouble, wait) from trouble
        if reply.status in range(400, 500) and reply.status not in NOT_ACCEPTED:
            raise await self._turned_down(order, _reason(reply))
        advice = self._judge(order, reply)
        if advice.posture != "none":
            raise failure("Effect", Answered(advice), wait)
        reference = _reference(reply) or ("" if order.bare else None)
        if reference is None:
            raise retryable("EffectNonsense", "an answer without a reference", wait)
        return await self._settle(order, reference)

    async def look(self, service: str, path: str, record: type[R]) -> R:
        """Ask how something stands now; nothing is claimed or kept. Raises as `answer`, `read`."""
        return self.read(service, await self.answer(service, HttpRequest("GET", path)), record)

    async def answer(self, service: str, request: HttpRequest) -> Reply:
        """Send a request that changes nothing, and give the answer whatever its status.

        Raises EffectUnavailable (another attempt may help) and NotConfigured (none will).
        """
        try:
            endpoint = self.settings.endpoint(service)
            return await self.guard.exchange(service, endpoint, request)
        except (WireError, SettingsError) as trouble:
            wait = pause(call_context().attempt, self.settings.retry_pause)
            raise failure("Effect", trouble, wait) from trouble

    def read(self, service: str, reply: Reply, record: type[R]) -> R:
        """Read an answer. Raises EffectUnavailable, EffectNonsense (another attempt may help) and
        EffectRefused (none will).
        """
        wait = pause(call_context().attempt, self.settings.retry_pause)
        if reply.status in range(400, 500) and reply.status not in NOT_ACCEPTED:
            raise final("EffectRefused", f"{service} refused: {_reason(reply)}")
        advice = judge(service, reply, self._store.clock())
        if advice.posture != "none":
            raise failure("Effect", Answered(advice), wait)
        try:
            return record.model_validate_json(reply.body)
        except ValidationError as wrong:
            where = ".".join(map(str, wrong.errors()[0]["loc"])) or "the whole"
            raise retryable("EffectNonsense", f"{where} does not fit", wait) from wrong

    async def at_most_once(self, order: Order, send: Send) -> EffectReceipt:
        """Perform an effect that must not be repeated; state `unclear` if nobody can tell.

        Raises EffectUnavailable only while the other side surely has nothing, EffectRefused and
        NotConfigured where no further attempt helps.
        """
        if call_context().shadow:
            return await self._suppressed(order)
        standing = await self._claim(order)
        if isinstance(standing, Settled):
            return EffectReceipt(key=order.key, reference=standing.reference)
        if isinstance(standing, Unclear):
            return _unclear(order)
        if isinstance(standing, Pending):
            return await self._give_up(order, "an earlier attempt never said what became of it")
        return await self._send_once(order, send)

    async def post(self, order: HttpOrder) -> str:
        """Post an order that must not be repeated; raises as Send says."""
        endpoint = self.settings.endpoint(order.service)
        reply = await self.guard.exchange(order.service, endpoint, order.request())
        if reply.status in range(200, 300):
            return _reference(reply) or ""
        if reply.status in NOT_ACCEPTED:
            raise Answered(self._judge(order, reply))
        if reply.status in range(400, 500):
            raise TurnedDown(_reason(reply))
        raise Lost(f"{order.service} answered {reply.status}")

    async def _send_once(self, order: Order, send: Send) -> EffectReceipt:
        wait = pause(call_context().attempt, self.settings.retry_pause)
        try:
            reference = await send()
        except (NotSent, Answered, SettingsError) as trouble:
            await self._release(order)
            raise failure("Effect", trouble, wait) from trouble
        except NotAccepted as busy:
            await self._release(order)
            raise retryable("EffectUnavailable", str(busy), wait) from busy
        except TurnedDown as refusal:
            raise await self._turned_down(order, str(refusal)) from refusal
        except WireError as broken:
            return await self._give_up(order, str(broken))
        return await self._settle(order, reference)

    async def _turned_down(self, order: Order, why: str) -> ApplicationError:
        """Take the claim back, keep the refusal for shadows, and give what is raised for it."""
        refused = (call_context().scope, order.effect, canonical(order.body), why)
        await until_written(partial(self._refusals.keep, *refused))
        await self._release(order)
        return final("EffectRefused", f"{order.service} refused: {why}")

    async def _suppressed(self, order: Order) -> EffectReceipt:
        try:
            refused = await self.shadowing.refused(call_context(), order.effect, order.body)
            if refused:
                raise final("EffectRefused", f"{order.service} refused: {refused}")
            noted = (order.key, order.effect, order.service, dict(order.body))
            return await self.shadowing.suppress(call_context(), *noted)
        except StoreConflict as conflict:
            raise final("EffectConflict", str(conflict)) from conflict

    async def _claim(self, order: Order) -> Standing:
        scope = call_context().scope
        try:
            return await self._ledger.claim(order.key, scope, order.effect, canonical(order.body))
        except StoreConflict as conflict:
            raise final("EffectConflict", str(conflict)) from conflict

    async def _settle(self, order: Order, reference: str) -> EffectReceipt:
        await until_written(partial(self._ledger.settle, order.key, reference))
        return EffectReceipt(key=order.key, reference=reference)

    async def _give_up(self, order: Order, why: str) -> EffectReceipt:
        await until_written(partial(self._ledger.mark_unclear, order.key, why))
        return _unclear(order)

    async def _release(self, order: Order) -> None:
        await until_written(partial(self._ledger.release, order.key))

    def _judge(self, order: Order, reply: Reply) -> Advice:
        return judge(order.service, reply, self._store.clock())


def _unclear(order: Order) -> EffectReceipt:
    return EffectReceipt(key=order.key, reference="", state=EffectState.UNCLEAR)


def _reference(reply: Reply) -> str | None:
    try:
        value = json.loads(reply.body)
    except ValueError:
        return None
    found = value.get("reference") or value.get("id") if isinstance(value, dict) else None
    return str(found) if isinstance(found, str | int) and found else None


def _reason(reply: Reply) -> str:
    """Say what a refusal says, in at most a line."""
    try:
        value = json.loads(reply.body)
    except ValueError:
        return str(reply.status)
    said = value.get("error") or value.get("detail") if isinstance(value, dict) else None
    return f"{reply.status} {said}"[:200] if isinstance(said, str) else str(reply.status)
