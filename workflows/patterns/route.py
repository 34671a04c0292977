"""Route: keep why a path was taken, show it on the process, and read load as a factor."""

from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows.calls import READ_LOAD, READ_SERVICE, ask
from workflows.data.route import (
    PATH_ATTRIBUTE,
    LoadLevel,
    LoadQuery,
    LoadReading,
    QueueLoad,
    RouteRecord,
    ServiceQuery,
)
from workflows.errors import BraidError, Misuse, reason
from workflows.patterns.clock import now
from workflows.patterns.route_table import Routed
from workflows.scope import log, told

P = TypeVar("P")
QUERY = "routes"
_PATH = SearchAttributeKey.for_keyword(PATH_ATTRIBUTE)


class RouteLog:
    """The paths a process took, and why; one per process, made in its `__init__`.

    In a workflow the query `routes` gives the records, and the search attribute `BraidPath` the
    last path. `earlier` are the records carried over a continue-as-new.
    """

    def __init__(self, earlier: tuple[RouteRecord, ...] = ()) -> None:
        self._records = list(earlier)
        self._registered: bool | None = None
        self._shown = ""
        if workflow.in_workflow():
            if workflow.get_query_handler(QUERY) is not None:
                raise Misuse("a process keeps one RouteLog: make it in __init__ and share it")
            workflow.set_query_handler(QUERY, self._answer)

    @property
    def records(self) -> tuple[RouteRecord, ...]:
        """Every decision, in the order taken."""
        return tuple(self._records)

    async def take(self, routed: Routed[P]) -> P:
        """Keep the record of a decision, show its path, and give the path."""
        record = routed.record.model_copy(update={"at": now()})
        self._records.append(record)
        log.info("path taken", extra=told(route=record.route, path=record.path))
        if workflow.in_workflow() and record.path != self._shown:
            self._shown = record.path
            await self._show(record.path)
        return routed.path

    def _answer(self) -> list[RouteRecord]:
        """Every path taken, and why."""
        return self._records

    async def _show(self, path: str) -> None:
        """Upsert the search attribute where the service knows it, else a field of the memo.

        An unknown search attribute would leave the workflow stuck, so an activity looks first and
        its answer stands in the history.
        """
        if self._registered is None:
            self._registered = await _is_registered()
        if self._registered:
            workflow.upsert_search_attributes([_PATH.value_set(path)])
        else:
            workflow.upsert_memo({PATH_ATTRIBUTE: path})


async def _is_registered() -> bool:
    try:
        view = await ask(READ_SERVICE, ServiceQuery(keywords=(PATH_ATTRIBUTE,)))
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        log.warning("search attributes unknown", extra=told(why=reason(error)))
        return False
    return PATH_ATTRIBUTE in view.keywords


async def read_load(
    queue: str, *, busy_from: int, late_from: timedelta | None = None
) -> LoadReading:
    """Read how loaded a task queue is, as a factor of a route.

    It is busy when `busy_from` or more calls wait there (for a worker, or for a vendor's limits),
    the first of them has waited for `late_from`, or the vendor's breaker is open or people paused
    it. What cannot be read is `unknown`, never calm. Raises Misuse for bounds that are always met.
    """
    if busy_from < 1 or (late_from is not None and late_from <= timedelta(0)):
        raise Misuse(f"queue {queue!r} would always be busy; use busy_from=1 or more, late_from>0")
    try:
        found = (await ask(READ_LOAD, LoadQuery(queues=(queue,)))).queues[0]
    except (ActivityError, ApplicationError) as error:
        if is_cancelled_exception(error) or isinstance(error, BraidError):
            raise
        return LoadReading(queue=queue, level=LoadLevel.UNKNOWN, why=reason(error))
    late = late_from is not None and found.oldest >= late_from
    busy = found.backlog + found.permits >= busy_from or late or found.shut != ""
    return LoadReading(
        queue=queue,
        level=LoadLevel.BUSY if busy else LoadLevel.CALM,
        backlog=found.backlog,
        oldest=found.oldest,
        why=_why(found),
    )


SHUT = {"breaker": "its breaker is open", "paused": "people paused it"}


def _why(found: QueueLoad) -> str:
    told = [f"{found.backlog} waiting, the first for {found.oldest.total_seconds():.1f} s"]
    told += [f"{found.permits} held by limits"] if found.permits else []
    told += [SHUT[found.shut]] if found.shut else []
    return "; ".join(told)
