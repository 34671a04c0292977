"""Where a vendor takes batches: hands them in, looks how they stand, fetches what came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from activities.journalled import Answered
from activities.llm.batch_apis import BatchApi, Line, Result, Standing, opened, results_of
from activities.llm.providers.common import parts
from activities.posture import Posture, judge
from activities.wire import HttpRequest, Wire
from runtime.settings import Endpoint
from store.clock import Clock

MOST_LISTS = 10
"""Lists of 100 batches that are looked through for one of ours."""
CLOCKS_APART = timedelta(minutes=10)
"""How far a vendor's clock may be behind ours when a batch is looked for by its time."""

OVER = (400, 404, 409)
"""How vendors refuse to cancel what is over."""


@dataclass(frozen=True)
class BatchDesk:
    """One vendor's desk. Its methods raise Answered, NotSent or Lost."""

    api: BatchApi
    vendor: str
    endpoint: Endpoint
    wire: Wire
    clock: Clock

    async def hand_in(self, mark: str, lines: Sequence[Line]) -> str:
        """Send a batch; give the vendor's id for it."""
        upload = self.api.upload(lines)
        uploaded = await self._exchange(upload) if upload else b""
        created = await self._exchange(self.api.create(mark, lines, uploaded))
        return self.api.standing(opened(created)).remote

    async def standing(self, remote: str) -> Standing:
        """Look how a batch stands."""
        return self.api.standing(opened(await self._exchange(self.api.look(remote))))

    async def cancel(self, remote: str) -> None:
        """Cancel a batch; one that ended meanwhile refuses that, which is as good."""
        try:
            await self._exchange(self.api.cancel(remote))
        except Answered as refused:
            if refused.advice.status not in OVER:
                raise

    async def results(self, standing: Standing) -> Mapping[str, Result]:
        """Fetch what an ended batch brought, by the key of the question."""
        found: dict[str, Result] = {}
        for path in standing.results:
            body = await self._exchange(HttpRequest("GET", path, streamed=True), lines=True)
            found |= {result.key: result for result in results_of(self.api, body)}
        return found

    async def candidates(self, mark: str, total: int, since: datetime) -> list[str]:
        """List the batches that may be the one of this mark, oldest first.

        Where batches carry no mark, those of the same size and time may be.
        """
        since, after = since - CLOCKS_APART, ""
        seen: list[Standing] = []
        for _ in range(MOST_LISTS):
            told = opened(await self._exchange(self.api.recent(after)))
            listed = [self.api.standing(entry) for entry in parts(told, "data")]
            seen += [each for each in listed if each.created_at >= since]
            if not listed or listed[-1].created_at < since or told.get("has_more") is not True:
                break
            after = listed[-1].remote
        return [
            each.remote
            for each in reversed(seen)
            if (each.mark == mark if self.api.marked else each.total == total)
        ]

    async def _exchange(self, request: HttpRequest, *, lines: bool = False) -> bytes:
        headers = self.api.headers(self.endpoint) | dict(request.headers)
        sent = HttpRequest(
            request.method, request.path, request.content, headers, streamed=request.streamed
        )
        reply = await self.wire.exchange(self.vendor, self.endpoint, sent)
        advice = judge(self.vendor, reply, self.clock(), wants_json=not lines)
        if advice.posture is not Posture.NONE:
            raise Answered(advice)
        return reply.body
