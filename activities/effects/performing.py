"""How every effect is performed: claimed in the ledger, sent, settled.

Two manners. `repeatable`: the other side knows idempotency keys, so an unsettled claim is
performed again. `at_most_once`: it does not, so an unsettled claim becomes `unclear` and an
open task, and nothing is sent a second time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

from pydantic import ValidationError

from activities.failures import failure, final, pause, retryable
from activities.guarded import Guarded
from activities.journalled import Answered
from activities.posture import Advice, judge
from activities.wire import HttpRequest, NotSent, Reply, Wire, WireError
from runtime.context import call_context
from runtime.settings import Settings, SettingsError
from store.breakers import BreakerRule
from store.database import Store
from store.errors import StoreError
from store.journal import canonical
from store.ledger import Ledger, Pending, Settled, Standing, Unclear
from workflows.data.common import Record
from workflows.data.effects import EffectReceipt, EffectState

R = TypeVar("R", bound=Record)
NOT_ACCEPTED = frozenset({408, 425, 429, 503})
"""Statuses by which a service says it did nothing yet and may be asked again."""


@dataclass(frozen=True)
class Order:
    """One effect: the ledger's key, its kind, where it goes and what is sent."""

    key: str
    effect: str
    service: str
    path: str
    body: Mapping[str, object]
    headers: Mapping[str, str]

    def request(self) -> HttpRequest:
        """Write the order as it is sent."""
        content = canonical(self.body).encode()
        headers = {"content-type": "application/json"} | dict(self.headers)
        return HttpRequest("POST", self.path, content, headers)


def effect_key(*parts: object) -> str:
    """Give the key of an effect: sha256 of its canonical parts, the scope first."""
    return sha256(canonical(list(parts)).encode()).hexdigest()


class EffectDesk:
    """Performs effects under the ledger."""

    def __init__(self, settings: Settings, store: Store, wire: Wire) -> None:
        self._settings = settings
        self._store = store
        self._ledger = Ledger(store)
        self._wire = Guarded(store, wire, BreakerRule(pause=settings.breaker_pause))

    async def repeatable(self, order: Order) -> EffectReceipt:
        """Perform an effect whose other side answers the same key with the same result.

        Raises EffectUnavailable and EffectNonsense (another attempt may help), EffectRefused
        and NotConfigured (none will).
        """
        standing = await self._claim(order)
        if isinstance(standing, Settled):
            return EffectReceipt(key=order.key, reference=standing.reference)
        wait = pause(call_context().attempt, self._settings.retry_pause)
        try:
            endpoint = self._settings.endpoint(order.service)
            reply = await self._wire.exchange(order.service, endpoint, order.request())
        except (WireError, SettingsError) as trouble:
            raise failure("Effect", trouble, wait) from trouble
        if reply.status in range(400, 500) and reply.status not in NOT_ACCEPTED:
            await self._ledger.release(order.key)
            raise final("EffectRefused", f"{order.service} refused: {_reason(reply)}")
        advice = self._judge(order, reply)
        if advice.posture != "none":
            raise failure("Effect", Answered(advice), wait)
        reference = _reference(reply)
        if reference is None:
            raise retryable("EffectNonsense", "an answer without a reference", wait)
        return await self._settle(order, reference)

    async def look(self, service: str, path: str, record: type[R]) -> R:
        """Ask how something stands now; nothing is claimed or kept.

        Raises EffectUnavailable and EffectNonsense (another attempt may help), EffectRefused
        and NotConfigured (none will).
        """
        wait = pause(call_context().attempt, self._settings.retry_pause)
        try:
            endpoint = self._settings.endpoint(service)
            reply = await self._wire.exchange(service, endpoint, HttpRequest("GET", path))
        except (WireError, SettingsError) as trouble:
            raise failure("Effect", trouble, wait) from trouble
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

    async def at_most_once(self, order: Order) -> EffectReceipt:
        """Perform an effect that must not be repeated; state `unclear` if nobody can tell.

        Raises EffectUnavailable only while the other side surely has nothing.
        """
        standing = await self._claim(order)
        if isinstance(standing, Settled):
            return EffectReceipt(key=order.key, reference=standing.reference)
        if isinstance(standing, Unclear):
            return _unclear(order)
        if isinstance(standing, Pending):
            return await self._give_up(order, "an earlier attempt never said what became of it")
        return await self._send_once(order)

    async def _send_once(self, order: Order) -> EffectReceipt:
        wait = pause(call_context().attempt, self._settings.retry_pause)
        try:
            endpoint = self._settings.endpoint(order.service)
            reply = await self._wire.exchange(order.service, endpoint, order.request())
        except (NotSent, SettingsError) as trouble:
            await self._ledger.release(order.key)
            raise failure("Effect", trouble, wait) from trouble
        except WireError as broken:
            return await self._give_up(order, str(broken))
        if reply.status in range(200, 300):
            return await self._settle(order, _reference(reply) or "")
        if reply.status in NOT_ACCEPTED:
            await self._ledger.release(order.key)
            raise failure("Effect", Answered(self._judge(order, reply)), wait)
        if reply.status in range(400, 500):
            await self._ledger.release(order.key)
            raise final("EffectRefused", f"{order.service} refused: {_reason(reply)}")
        return await self._give_up(order, f"{order.service} answered {reply.status}")

    async def _claim(self, order: Order) -> Standing:
        scope = call_context().scope
        try:
            return await self._ledger.claim(order.key, scope, order.effect, canonical(order.body))
        except StoreError as conflict:
            raise final("EffectConflict", str(conflict)) from conflict

    async def _settle(self, order: Order, reference: str) -> EffectReceipt:
        await self._ledger.settle(order.key, reference)
        return EffectReceipt(key=order.key, reference=reference)

    async def _give_up(self, order: Order, why: str) -> EffectReceipt:
        await self._ledger.mark_unclear(order.key, why)
        return _unclear(order)

    def _judge(self, order: Order, reply: Reply) -> Advice:
        return judge(order.service, reply, self._store.clock())


def _unclear(order: Order) -> EffectReceipt:
    return EffectReceipt(key=order.key, reference="", state=EffectState.UNCLEAR)


def _reference(reply: Reply) -> str | None:
    try:
        value = json.loads(reply.body)
    except ValueError:
        return None
    found = value.get("reference") if isinstance(value, dict) else None
    return found if isinstance(found, str) and found else None


def _reason(reply: Reply) -> str:
    """Say what a refusal says, in at most a line."""
    try:
        value = json.loads(reply.body)
    except ValueError:
        return str(reply.status)
    said = value.get("error") or value.get("detail") if isinstance(value, dict) else None
    return f"{reply.status} {said}"[:200] if isinstance(said, str) else str(reply.status)
