"""Spread: do one thing for each of thousands of items, in a sliding window over child workflows.

`result = await spread("score", {"c-1": ScoreQuery(...), ...}, calls.SCORE, window=50)`. Results go
to the store, item by item; `result` has the counts, the failed keys and where the results are.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from temporalio import workflow
from temporalio.exceptions import (
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

from workflows import calls
from workflows.calls import In, Out, ask, only_in_workflow
from workflows.data.chunk import (
    ChunkLeave,
    ChunkOrder,
    ChunkTally,
    OwnCases,
    SpreadOrder,
)
from workflows.data.common import SCOPE_HEADER
from workflows.data.spread import (
    ItemState,
    ResultQuery,
    SpreadRef,
    SpreadResult,
    Tolerance,
)
from workflows.errors import Misuse, SpreadFailed, reason
from workflows.patterns.checks import is_whole, must_be
from workflows.patterns.clock import now
from workflows.patterns.spread_chunk import ChunkRun
from workflows.patterns.spread_count import NO_FAILURES, check_tolerance
from workflows.patterns.spread_count import tolerating as tolerating
from workflows.patterns.spread_items import Items, checked, kept, source_of
from workflows.patterns.spread_items import Pages as Pages
from workflows.patterns.spread_run import SpreadRun
from workflows.patterns.spread_work import (
    Child,
    Work,
    check_work,
    doing_here,
    work_order,
)
from workflows.scope import current_scope

MOST_IN_CHUNK = 1000
"""Items of one chunk: each costs its workflow some six events of history."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
SPREAD_WORKFLOW = "spread"


async def spread(
    name: str,
    items: Items[In],
    work: Work[In, Any],
    *,
    window: int = 50,
    chunk: int = 200,
    tolerate: Tolerance = NO_FAILURES,
    redrive: SpreadResult | SpreadRef | None = None,
) -> SpreadResult:
    """Do `work` for every item, never more than `window` at once, and keep each result.

    An item that succeeded before under the same name, key and request (in this case, or in the
    spread given as `redrive`) is not done again. A step runs fused, one activity for the items of
    a chunk; each item of a Child is a case of its own, and reads what it paid for in the `redrive`.
    Ends `too_many_failures` as soon as more failed than tolerated. Raises Misuse before it runs,
    SpreadFailed when it cannot go on (source or store gone); what finished is kept in any case.
    """
    _check_bounds(name, window, chunk, work)
    check_tolerance(name, tolerate)
    given = items if isinstance(items, Pages) else checked(name, items, work)
    only_in_workflow(f"spread {name!r}")
    ref = _ref(name, redrive)
    if not isinstance(given, Pages) and not given:
        at = now()
        return SpreadResult(
            ref=ref, reason="complete", total=0, succeeded=0, already=0, failed=0, not_run=0,
            started=at, ended=at,
        )  # fmt: skip
    order = SpreadOrder(
        ref=ref,
        branch=current_scope().name,
        work=work_order(work),
        source=source_of(given) if isinstance(given, Pages) else await kept(ref, given),
        cases=_cases(name, ref) if isinstance(work, Child) else None,
        window=window,
        chunk=chunk,
        tolerance=tolerate,
    )
    return await (_as_child(name, order) if workflow.in_workflow() else _here(order, work))


async def results_of(
    done: SpreadResult | SpreadRef, record: type[Out]
) -> AsyncIterator[tuple[str, Out]]:
    """Read the results of the items that succeeded, in the order of their keys, page by page.

    Each page goes through the history of the workflow that reads it.
    """
    ref, after = done.ref if isinstance(done, SpreadResult) else done, ""
    while True:
        page = await ask(
            calls.SPREAD_RESULTS, ResultQuery(ref=ref, state=ItemState.SUCCEEDED, after=after)
        )
        for found in page.results:
            yield found.key, record.model_validate(found.value)
        if page.next is None:
            return
        after = page.next


# ---- checks: all before anything runs ------------------------------------------------------


def _check_bounds(name: str, window: int, chunk: int, work: object) -> None:
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise Misuse(f"spread {name!r}: a name is lower-case words, digits and dashes, at most 40")
    check_work(f"spread {name!r}", work)
    if not is_whole(window) or window < 1:
        raise Misuse(f"spread {name!r}: window={window!r} lets nothing run; use a whole number")
    if not is_whole(chunk) or not 1 <= chunk <= MOST_IN_CHUNK:
        raise Misuse(
            f"spread {name!r}: chunk={chunk} is not 1 to {MOST_IN_CHUNK}; a chunk is one"
            " workflow, and its history must stay bounded"
        )


# ---- what the children get ----------------------------------------------------------------


def _ref(name: str, redrive: SpreadResult | SpreadRef | None) -> SpreadRef:
    if redrive is None:
        return SpreadRef(scope=_scope_id(), spread=name)
    ref = redrive.ref if isinstance(redrive, SpreadResult) else redrive
    must_be(SpreadRef, ref, f"spread {name!r}: redrive", "give the earlier result or its ref")
    return ref


def _scope_id() -> str:
    """Give the journal's scope: the one we were started with, else our own workflow id."""
    if not workflow.in_workflow():
        return "here"
    given = workflow.info().headers.get(SCOPE_HEADER)
    if given is None:
        return workflow.info().workflow_id
    return str(workflow.payload_converter().from_payload(given, str))


def _cases(name: str, ref: SpreadRef) -> OwnCases:
    mine = workflow.info().workflow_id if workflow.in_workflow() else "here"
    origins = () if ref.scope == mine else (case_prefix(ref.scope, ref.spread),)
    return OwnCases(prefix=case_prefix(mine, name), origins=origins)


def case_prefix(owner: str, name: str) -> str:
    """Give what stands before the key in the workflow id of an item that is a case of its own.

    The colon keeps it apart from the ids of chunks.
    """
    return f"{owner}.{name}:"


# ---- running it ------------------------------------------------------------------------------


async def _as_child(name: str, order: SpreadOrder) -> SpreadResult:
    try:
        result: SpreadResult = await workflow.execute_child_workflow(
            SPREAD_WORKFLOW,
            order,
            id=f"{workflow.info().workflow_id}.{name}",
            result_type=SpreadResult,
            task_timeout=calls.HEARTBEAT,
            # So that what finished is kept when the process fails beside it.
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            static_summary=f"spread {name}",
        )
    except WorkflowAlreadyStartedError:
        raise Misuse(f"a spread {name!r} is running in this case already; rename one") from None
    except ChildWorkflowError as error:
        if is_cancelled_exception(error):
            raise
        raise SpreadFailed(reason(error).removeprefix("SpreadFailed: ")) from error
    return result


async def _here(order: SpreadOrder, work: Work[Any, Any]) -> SpreadResult:
    while True:
        here = _Here(work)
        run = SpreadRun(order, here, f"here {now().isoformat()}")
        here.spread = run
        end = await run.run()
        if isinstance(end, SpreadResult):
            return end
        order = end


class _Here:
    """Runs the chunks as tasks of a plain loop."""

    spread: SpreadRun

    def __init__(self, work: Work[Any, Any]) -> None:
        self._do = doing_here(work)
        self._chunks: dict[int, ChunkRun] = {}

    async def run(self, order: ChunkOrder) -> ChunkTally:
        self._chunks[order.number] = chunk = ChunkRun(order, self._do, self._tell)
        return await chunk.run()

    async def allow(self, number: int, leave: ChunkLeave) -> None:
        self._chunks[number].allow(leave)

    async def _tell(self, tally: ChunkTally) -> None:
        self.spread.hear(tally)
        await asyncio.sleep(0)
