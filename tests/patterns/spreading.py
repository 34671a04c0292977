"""What the tests of spreads share: a door with items that take virtual time, and a shelf."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import elapsed
from workflows.calls import Call
from workflows.data.common import JSON, Record
from workflows.data.spread import (
    Item,
    ItemBatch,
    ItemClaim,
    ItemPage,
    ItemResult,
    ItemsClaimed,
    ItemState,
    Kept,
    KeptList,
    PageQuery,
    ResultBatch,
    ResultPage,
    ResultQuery,
)


class Score(Record):
    """Asks to score a subject; it takes so many seconds."""

    subject: str
    takes: float = 1.0


class Scored(Record):
    """The score of a subject."""

    subject: str
    points: int


SCORE = Call("score", Score, Scored, timeout=timedelta(seconds=30), attempts=1)
PAGE = Call("page", PageQuery, ItemPage, timeout=timedelta(seconds=30), attempts=1)


@dataclass
class Scorer:
    """Answers SCORE, PAGE and the store's Calls; counts, and notes what was in flight when."""

    failing: frozenset[str] = frozenset()
    pages: Mapping[str, ItemPage] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    """Names of Calls that fail."""
    keeping: float = 0
    """Seconds it takes to keep results."""
    done: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    running: int = 0
    started: int = 0
    most: int = 0
    levels: dict[float, tuple[int, int]] = field(default_factory=dict)
    """By virtual time, what held from then on: items in flight and items started."""
    lists: dict[tuple[str, str], dict[int, Item]] = field(default_factory=dict)
    rows: dict[tuple[str, str], dict[str, tuple[str, int, ItemResult]]] = field(
        default_factory=dict
    )

    async def __call__(self, call: Call[Any, Any], request: Any) -> Record:
        """Be the door."""
        self.asked[call.name] += 1
        if call.name in self.broken:
            raise ApplicationError(f"{call.name} is broken", type="Broken")
        answer: Record = await getattr(self, f"_{call.name}")(request)
        return answer

    async def _score(self, request: Score) -> Scored:
        self.running += 1
        self.started += 1
        self.most = max(self.most, self.running)
        self._note()
        try:
            await asyncio.sleep(request.takes)
        finally:
            self.running -= 1
            self._note()
        self.done[request.subject] += 1
        if request.subject in self.failing:
            raise ApplicationError("no luck", type="Unlucky")
        return Scored(subject=request.subject, points=len(request.subject))

    def _note(self) -> None:
        self.levels[elapsed()] = (self.running, self.started)

    async def _page(self, query: PageQuery) -> ItemPage:
        return self.pages[query.cursor]

    async def _keep_items(self, batch: ItemBatch) -> Kept:
        of_list = self.lists.setdefault((batch.scope, batch.list), {})
        of_list |= {batch.first + place: item for place, item in enumerate(batch.items)}
        return Kept(count=len(batch.items))

    async def _kept_items(self, query: PageQuery) -> ItemPage:
        kept = KeptList.model_validate(query.about)
        of_list, first = self.lists[kept.scope, kept.list], int(query.cursor or 0)
        last = min(first + query.limit, kept.total)
        items = tuple(of_list[place] for place in range(first, last))
        return ItemPage(
            items=items, next=str(last) if last < kept.total else None, total=kept.total
        )

    async def _claim_items(self, claim: ItemClaim) -> ItemsClaimed:
        rows, done = self._of(claim.ref), []
        for item in claim.items:
            run, chunk, old = rows.get(item.key, ("", 0, None))
            if run == claim.run and chunk != claim.chunk:
                raise ApplicationError(f"item {item.key!r} stands on two pages", type="Misuse")
            if old is None or (old.state, old.digest) != (ItemState.SUCCEEDED, item.digest):
                old = ItemResult(key=item.key, digest=item.digest, state=ItemState.OPEN)
            else:
                done.append(item.key)
            rows[item.key] = (claim.run, claim.chunk, old)
        return ItemsClaimed(done=tuple(done))

    async def _keep_results(self, batch: ResultBatch) -> Kept:
        await asyncio.sleep(self.keeping)
        rows = self._of(batch.ref)
        for result in batch.results:
            run, chunk, old = rows[result.key]
            assert old.digest == result.digest
            rows[result.key] = (run, chunk, result)
        return Kept(count=len(batch.results))

    async def _spread_results(self, query: ResultQuery) -> ResultPage:
        found = sorted(self.kept(query.ref), key=lambda result: result.key)
        found = [r for r in found if r.key > query.after and query.state in (None, r.state)]
        page = tuple(found[: query.limit])
        return ResultPage(results=page, next=page[-1].key if len(found) > len(page) else None)

    def _of(self, ref: Any) -> dict[str, tuple[str, int, ItemResult]]:
        return self.rows.setdefault((ref.scope, ref.spread), {})

    def kept(self, ref: Any) -> list[ItemResult]:
        """Give the results of a spread as kept."""
        return [result for _, _, result in self._of(ref).values()]

    def states(self, ref: Any) -> dict[str, int]:
        """Count the kept results by state."""
        return dict(Counter(str(result.state) for result in self.kept(ref)))


def scores(count: int, takes: float = 1.0) -> dict[str, Score]:
    return {f"c-{n}": Score(subject=f"c-{n}", takes=takes) for n in range(count)}


def item(key: str, takes: float = 1.0) -> Item:
    request: dict[str, JSON] = {"subject": key, "takes": takes}
    return Item(key=key, request=request)
