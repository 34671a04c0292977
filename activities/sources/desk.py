"""Drives inquiries of sources: journal, wire, posture, and the marks every answer carries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from activities.counted import counted
from activities.failures import failure, pause, retryable
from activities.journalled import Answered, CallDesk, Sending, worth_keeping
from activities.needs import need_of
from activities.posture import Advice, Posture, is_web_page, judge
from activities.sources.connector import (
    UNDOCUMENTED,
    Connector,
    Extract,
    Inquire,
    Inquiry,
    NoAnswer,
    Nonsense,
    Page,
    Reckoning,
)
from activities.sources.large import UNCHANGED, LargeFiles, confirmed, if_changed
from activities.wire import HttpRequest, Reply, WireError
from runtime.context import call_context
from runtime.pool import PoolBroken
from runtime.settings import Endpoint, Settings, SettingsError
from store.database import Store
from store.journal import CallEntry, StoredReply, call_key
from workflows.calls import In, Out
from workflows.data.sources import Liveness, Retry, SourceError, SourceState


@dataclass(frozen=True)
class _Looked:
    """Where and when the first reply of an inquiry came from, and its hash."""

    at: datetime
    simulated: bool
    sha256: str


class SourceDesk:
    """Drives inquiries: journal, wire, posture, and the marks every answer carries."""

    def __init__(self, settings: Settings, store: Store, calls: CallDesk) -> None:
        self._settings = settings
        self._store = store
        self._calls = calls
        self._large = LargeFiles()
        self.pool = calls.pool

    async def query(self, connector: Connector[In, Out], query: In) -> Out:
        """Ask a source and give its answer, `unavailable` and `rejected` included.

        Raises SourceUnavailable (down, busy, cut off) and SourceNonsense, which are worth
        another attempt, and NotConfigured, which is not.
        """
        drive = _Drive(self, connector)
        try:
            endpoint = self._settings.endpoint(connector.service)
            extract = await drive.run(connector.inquire(query, endpoint), endpoint)
        except Answered as answered:
            given_up = _given_up(answered.advice)
            if given_up is None:
                raise failure("Source", answered, self.wait()) from answered
            extract = given_up
        except (WireError, SettingsError) as trouble:
            raise failure("Source", trouble, self.wait()) from trouble
        return self._answer(connector, extract, drive.first)

    def wait(self) -> timedelta:
        """Give the pause before another attempt."""
        return pause(call_context().attempt, self._settings.retry_pause)

    def _answer(
        self, connector: Connector[In, Out], extract: Extract, first: _Looked | None
    ) -> Out:
        simulated = first.simulated if first else self._is_simulated(connector.service)
        return connector.call.output.model_validate(
            {
                **extract.fields,
                "source": connector.source,
                "state": extract.state,
                "liveness": Liveness.SIMULATED if simulated else Liveness.LIVE,
                "retrieved_at": first.at if first else self._store.clock(),
                "licence": connector.licence,
                "as_of": extract.as_of,
                "raw_sha256": first.sha256 if first else "",
                "error": extract.error,
            }
        )

    def _is_simulated(self, service: str) -> bool:
        return self._settings.endpoint(service).simulated

    async def get(
        self, connector: Connector[In, Out], asked: Inquire, endpoint: Endpoint
    ) -> tuple[str, StoredReply]:
        """Give the key of a request and its reply, read back or sent for."""
        http, entry = asked.http, _entry(connector, asked.http)
        known = self._large.last(endpoint.base_url, http)
        if known is not None:
            http = if_changed(http, known)

        def judged(reply: Reply) -> Advice:
            if reply.status == UNCHANGED and known is not None:
                return Advice(Posture.NONE)
            if reply.status in asked.absent and not is_web_page(reply.body):
                return Advice(Posture.NONE)
            now = self._store.clock()
            return judge(connector.service, reply, now, wants_json=asked.wants_json)

        def stored(reply: Reply) -> StoredReply:
            if reply.status == UNCHANGED and known is not None:
                return confirmed(known, self._store.clock())
            return StoredReply(
                status=reply.status,
                headers=worth_keeping(reply.headers),
                body=reply.body,
                received_at=self._store.clock(),
                simulated=endpoint.simulated,
            )

        need = need_of(call_context(), connector.service)
        sending = Sending(connector.service, endpoint, http, judged, stored, need)
        found = (await counted(entry, self._calls.fetch(entry, sending))).reply
        if asked.large:
            self._large.keep(endpoint.base_url, http, found)
        return entry.key, found

    async def void(self, key: str, reason: str) -> None:
        """Forget a reply that was nonsense, so that the next attempt asks again."""
        self._large.forget()
        await self._calls.journal.void(key, reason)


def _entry(connector: Connector[In, Out], http: HttpRequest) -> CallEntry:
    """Name a request in the journal: the same one of a case has the same key."""
    context, call = call_context(), connector.call
    sent = [connector.service, http.method, http.path, http.content.decode()]
    key, *origins = (
        call_key(scope, call.name, call.version, sent, 0)
        for scope in (context.scope, *context.origins)
    )
    return CallEntry(
        key=key,
        scope=context.scope,
        branch=context.branch,
        call=call.name,
        worker=context.worker,
        vendor=connector.service,
        origins=tuple(origins),
    )


class _Drive:
    """One run of an inquiry."""

    def __init__(self, desk: SourceDesk, connector: Connector[In, Out]) -> None:
        self._desk = desk
        self._connector: Connector[Any, Any] = connector
        self.first: _Looked | None = None

    async def run(self, inquiry: Inquiry, endpoint: Endpoint) -> Extract:
        """Answer the inquiry's requests until it returns what it found."""
        keys: list[str] = []
        page: Page | None = None
        while True:
            try:
                asked = await self._next(inquiry, page)
            except PoolBroken as broken:
                message = f"{self._connector.source}: {broken}"
                raise retryable("SourceUnavailable", message, self._desk.wait()) from broken
            except NoAnswer as silent:
                await self._void(keys, silent)
                message = f"{self._connector.source}: {silent}"
                raise retryable("SourceUnavailable", message, self._desk.wait()) from silent
            except (Nonsense, KeyError, TypeError, ValueError, AttributeError) as wrong:
                await self._void(keys, wrong)
                told = wrong if isinstance(wrong, Nonsense) else UNDOCUMENTED
                message = f"{self._connector.source}: {told}"
                raise retryable("SourceNonsense", message, self._desk.wait()) from wrong
            if isinstance(asked, Extract):
                return asked
            key, reply = await self._desk.get(self._connector, asked, endpoint)
            keys.append(key)
            page = Page(reply.body, reply.status not in asked.absent, reply.headers)
            if self.first is None:
                digest = sha256(reply.body).hexdigest()
                self.first = _Looked(reply.received_at, reply.simulated, digest)

    async def _next(self, inquiry: Inquiry, page: Page | None) -> Inquire | Extract:
        """Give an inquiry its page; it asks for another, or is done."""
        try:
            return next(inquiry) if page is None else inquiry.send(page)
        except StopIteration as finished:
            found: Extract | Reckoning = finished.value
        if isinstance(found, Extract):
            return found
        given = (found.pages, *found.more)
        run = self._desk.pool.run
        return found.then(
            await run(found.function, *given) if found.heavy else found.function(*given)
        )

    async def _void(self, keys: list[str], why: Exception) -> None:
        for key in keys:
            await self._desk.void(key, type(why).__name__)


def _given_up(advice: Advice) -> Extract | None:
    """Turn a refusal no retry will mend into an answer; None if a retry may help."""
    error = SourceError(code=advice.code, retry=Retry.NEVER, detail=advice.detail)
    if advice.posture is Posture.NEVER:
        return Extract(SourceState.UNAVAILABLE, error=error)
    if advice.posture is Posture.FINAL:
        wrong = advice.status in (400, 404, 405, 413, 414, 415, 422)
        return Extract(SourceState.REJECTED if wrong else SourceState.UNAVAILABLE, error=error)
    if advice.hopeless:
        later = error.model_copy(update={"retry": Retry.LATER})
        return Extract(SourceState.UNAVAILABLE, error=later)
    return None
