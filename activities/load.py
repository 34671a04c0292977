"""How loaded the task queues are, and what the Temporal service we are connected to knows."""

from datetime import timedelta

from temporalio import activity
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.failures import retryable
from activities.journalled import CallDesk
from runtime.backlog import PATIENCE, backlog
from workflows.calls import MAIN_QUEUE
from workflows.data.llm import VENDOR_QUEUE
from workflows.data.route import Load, LoadQuery, QueueLoad, ServiceQuery, ServiceView

PAUSE = timedelta(milliseconds=200)


class LoadActivities:
    """Looks at the Temporal service through the worker's own client, and at the limits and breakers
    that all workers share, if the desk of calls is given.
    """

    def __init__(self, client: Client, desk: CallDesk | None = None) -> None:
        self._client, self._desk = client, desk

    async def read_load(self, query: LoadQuery) -> Load:
        """Read the backlogs of queues, up to 5 s old (so long the service keeps its statistics),
        and what keeps the vendors behind them from being asked.

        Raises ServiceUnavailable, worth another attempt.
        """
        # A deployment on `braid-x` works on `llm-openai-x`.
        suffix = activity.info().task_queue.removeprefix(MAIN_QUEUE)
        found = [await self._read(queue, suffix) for queue in query.queues]
        return Load(queues=tuple(await self._held(found)))

    async def _held(self, found: list[QueueLoad]) -> list[QueueLoad]:
        """Add to vendors' queues what limits and breakers hold back."""
        if self._desk is None:
            return found
        now = self._desk.clock()
        open_ = {b.service for b in await self._desk.breakers.views() if b.until and b.until > now}
        pools = {p.service: p for p in await self._desk.admission.pools() if not p.model}

        def held(load: QueueLoad) -> QueueLoad:
            vendor = load.queue.removeprefix(VENDOR_QUEUE)
            pool = pools.get(vendor)
            shut = "breaker" if vendor in open_ else "paused" if pool and pool.paused else ""
            waiting = sum(pool.waiting.values()) if pool else 0
            return load.model_copy(update={"permits": waiting, "shut": shut})

        return [held(load) for load in found]

    async def read_service(self, query: ServiceQuery) -> ServiceView:
        """Say which of the search attributes the namespace has as Keyword.

        Raises ServiceUnavailable, worth another attempt.
        """
        request = ListSearchAttributesRequest(namespace=self._client.namespace)
        try:
            found = await self._client.operator_service.list_search_attributes(
                request, timeout=PATIENCE
            )
        except RPCError as error:
            raise _unavailable(error) from error
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        known = {name for name, kind in found.custom_attributes.items() if kind == keyword}
        return ServiceView(keywords=tuple(name for name in query.keywords if name in known))

    async def _read(self, queue: str, suffix: str) -> QueueLoad:
        try:
            waiting, oldest = await backlog(self._client, queue + suffix)
        except RPCError as error:
            raise _unavailable(error) from error
        return QueueLoad(queue=queue, backlog=waiting, oldest=oldest)


def _unavailable(error: RPCError) -> Exception:
    return retryable("ServiceUnavailable", f"the Temporal service: {error.message}", PAUSE)
