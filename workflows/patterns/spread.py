"""Spread: do one thing for each of thousands of items, in a sliding window over child workflows.

`result = await spread("score", {"c-1": ScoreQuery(...), ...}, calls.SCORE, window=50)`. Results go
to the store, item by item; `result` has the counts, the failed keys and where the results are.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Generic

from temporalio import workflow
from temporalio.exceptions import (
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

from workflows import calls
from workflows.calls import Call, In, Out, ask, only_in_workflow
from workflows.data.chunk import (
    ChunkLeave,
    ChunkOrder,
    ChunkTally,
    ItemSource,
    SpreadOrder,
)
from workflows.data.common import JSON, SCOPE_HEADER
from workflows.data.spread import (
    MOST_BYTES,
    Item,
    ItemBatch,
    ItemPage,
    ItemState,
    KeptList,
    PageQuery,
    ResultQuery,
    SpreadRef,
    SpreadResult,
    Tolerance,
)
from workflows.errors import Misuse, SpreadFailed, reason
from workflows.grades import Step
from workflows.patterns.checks import is_whole, must_be
from workflows.patterns.clock import now
from workflows.patterns.spread_chunk import ChunkRun, check_queue, doing_here, twofold, work_order
from workflows.patterns.spread_count import NO_FAILURES, check_tolerance
from workflows.patterns.spread_count import tolerating as tolerating
from workflows.patterns.spread_run import SpreadRun
from workflows.scope import current_scope

MOST_IN_CHUNK = 1000
"""Items of one chunk: each costs its workflow some six events of history."""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,79}")
SPREAD_WORKFLOW = "spread"


@dataclass(frozen=True)
class Pages(Generic[In]):
    """Items that a Call gives page by page; `about` is passed to it with each query.

    The requests of its items must fit the work's input.
    """

    call: Call[PageQuery, ItemPage]
    about: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        must_be(Call, self.call, "the source of Pages", "give a Call from PageQuery to ItemPage")
        check_queue("Pages", self.call)
        try:
            _source(self)
        except (ValueError, TypeError) as error:
            raise Misuse(f"Pages of {self.call.name!r}: `about` is no JSON") from error


Items = Mapping[str, In] | Sequence[tuple[str, In]] | Pages[In]
Work = Call[In, Out] | Step[In, Out]


async def spread(
    name: str,
    items: Items[In],
    work: Call[In, Any] | Step[In, Any],
    *,
    window: int = 50,
    chunk: int = 200,
    tolerate: Tolerance = NO_FAILURES,
    redrive: SpreadResult | SpreadRef | None = None,
) -> SpreadResult:
    """Do `work` for every item, never more than `window` at once, and keep each result.

    An item that succeeded before under the same name, key and request (in this case, or in the
    spread given as `redrive`) is not done again. A step runs fused, one activity an item. Ends
    `too_many_failures` as soon as more failed than tolerated. Raises Misuse before anything runs,
    SpreadFailed when it cannot go on (source or store gone); what finished is kept in any case.
    """
    _check_bounds(name, window, chunk, work)
    check_tolerance(name, tolerate)
    given = items if isinstance(items, Pages) else _checked(name, items, work)
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
        source=_source(given) if isinstance(given, Pages) else await _kept(ref, given),
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
    if not isinstance(work, Call | Step):
        raise Misuse(
            f"spread {name!r}: {work!r} is neither a Call nor a @step, so a chunk cannot find it"
            " by name; write a module-level step"
        )
    if isinstance(work, Call):
        check_queue(f"spread {name!r}", work)
    if not is_whole(window) or window < 1:
        raise Misuse(f"spread {name!r}: window={window!r} lets nothing run; use a whole number")
    if not is_whole(chunk) or not 1 <= chunk <= MOST_IN_CHUNK:
        raise Misuse(
            f"spread {name!r}: chunk={chunk} is not 1 to {MOST_IN_CHUNK}; a chunk is one"
            " workflow, and its history must stay bounded"
        )


def _checked(
    name: str, items: Mapping[str, In] | Sequence[tuple[str, In]], work: Work[In, Any]
) -> list[Item]:
    """Write the items as they are kept. Raises Misuse for keys and requests that cannot work."""
    given: Any = items.items() if isinstance(items, Mapping) else items
    pairs = list(given) if isinstance(given, Iterable) else [given]
    for pair in pairs:
        if not (isinstance(pair, tuple | list) and len(pair) == 2):
            kind = type(pair).__name__
            raise Misuse(f"spread {name!r}: an item of type {kind}; give {{key: request, ...}}")
        must_be(str, pair[0], f"spread {name!r}: item key {pair[0]!r}", "use text, as 'c-1'")
    if twice := twofold(key for key, _ in pairs):
        raise Misuse(f"spread {name!r}: items named twice: {', '.join(twice[:5])}; rename them")
    return [_item(name, key, request, work.input) for key, request in pairs]


def _item(name: str, key: str, request: In, wanted: type[In]) -> Item:
    if not KEY.fullmatch(key):
        raise Misuse(f"spread {name!r}: {key!r} is no item key; use letters, digits, and . _ : -")
    if not isinstance(request, wanted):
        raise Misuse(
            f"spread {name!r}: item {key!r} is a {type(request).__name__}, the work takes a"
            f" {wanted.__name__}"
        )
    item = Item(key=key, request=request.model_dump(mode="json"))
    if (size := len(item.model_dump_json())) > MOST_BYTES:
        raise Misuse(
            f"spread {name!r}: item {key!r} has {size} bytes; keep the document elsewhere and"
            " give a reference to it"
        )
    return item


# ---- what the children get ----------------------------------------------------------------


def _source(pages: Pages[Any]) -> ItemSource:
    return ItemSource(page=work_order(pages.call), about=dict(pages.about))


async def _kept(ref: SpreadRef, items: list[Item]) -> ItemSource:
    """Keep the items in the store for the chunks to read. The list's name is its content."""
    texts = [item.model_dump_json() for item in items]
    of_list = sha256("\n".join(texts).encode()).hexdigest()[:32]
    first = 0
    while first < len(items):
        size, last = len(texts[first]), first + 1
        while last < len(items) and size + len(texts[last]) <= MOST_BYTES:
            size, last = size + len(texts[last]), last + 1
        batch = tuple(items[first:last])
        await ask(
            calls.KEEP_ITEMS, ItemBatch(scope=ref.scope, list=of_list, first=first, items=batch)
        )
        first = last
    kept = KeptList(scope=ref.scope, list=of_list, total=len(items))
    return ItemSource(page=work_order(calls.KEPT_ITEMS), about=kept.model_dump())


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
