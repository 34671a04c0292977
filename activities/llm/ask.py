"""Ask a model: journal, wire, structured answer, one bounded repair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from decimal import Decimal

from pydantic import ValidationError

from activities.failures import failure, final, pause
from activities.journalled import Answered, Fetched, Sending, fetch, worth_keeping
from activities.llm.dialects import PROVIDERS
from activities.llm.entry import entry_of
from activities.llm.providers.common import Parsed, Provider, ReplyOutcome
from activities.llm.reading import read_reply
from activities.llm.schema import strict_schema
from activities.posture import Advice
from activities.wire import HttpRequest, Reply, Wire, WireError
from runtime.catalogue import Catalogue
from runtime.context import CallContext, call_context
from runtime.settings import Endpoint, Settings, SettingsError
from store.database import Store
from store.journal import Journal, StoredReply
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRequest, RoleBook, RoleQuery, Usage

REPAIR_SAMPLES = 1000
"""Added to the sample of a question when it is asked again with a repair note."""

UNUSABLE = {
    ReplyOutcome.REFUSAL: "ModelRefused",
    ReplyOutcome.BLOCKED: "ModelBlocked",
    ReplyOutcome.TRUNCATED: "ModelTruncated",
    ReplyOutcome.TOOL: "ModelAnswerUnusable",
    ReplyOutcome.MALFORMED: "ModelAnswerUnusable",
}


@dataclass(frozen=True)
class _Told:
    """One reply read: what it says, what it cost, and whether it was paid for just now."""

    parsed: Parsed
    usd: Decimal
    reused: bool
    simulated: bool


class ModelActivities:
    """The doors to models. `answers` are the records a prompt may name for its reply."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        catalogue: Catalogue,
        wire: Wire,
        answers: Mapping[str, type[Record]],
    ) -> None:
        self._settings = settings
        self._store = store
        self._journal = Journal(store)
        self._catalogue = catalogue
        self._wire = wire
        self._answers = answers

    async def resolve_roles(self, query: RoleQuery) -> RoleBook:
        """Say which models stand behind the roles; `UnknownRole` if one is not written down."""
        try:
            return self._catalogue.book(query.roles, self._today())
        except KeyError as unknown:
            known = ", ".join(sorted(self._catalogue.roles))
            raise final("UnknownRole", f"role {unknown} is not in {known}") from unknown

    async def ask_model(self, request: ModelRequest) -> ModelAnswer:
        """Ask one question of one model and give an answer that fits the prompt's record.

        Never retried: ModelRefused, ModelBlocked, ModelTruncated, ModelAnswerUnusable (after
        one repair), ModelRequestRefused, ModelQuotaSpent, ModelBusy, NotConfigured.
        Retried: ModelUnavailable (down, busy, cut off), ModelNonsense.
        """
        record = self._record(request)
        first = await self._tell(request, record)
        if not (wrong := _misfit(first.parsed, record)):
            return self._answer(request, [first])
        second = await self._tell(_repair(request, first.parsed.text, wrong), record)
        if wrong := _misfit(second.parsed, record):
            wanted = request.prompt.answer or "text"
            told = f"{request.target.model} gave no usable {wanted}: {wrong}"
            raise final("ModelAnswerUnusable", told, usd=str(first.usd + second.usd))
        return self._answer(request, [first, second])

    def _provider(self, vendor: str) -> Provider:
        return PROVIDERS[self._catalogue.vendors[vendor].dialect]

    def _record(self, request: ModelRequest) -> type[Record] | None:
        """Give the record the reply must fit, None for free text."""
        model = self._catalogue.models.get(request.target.model)
        if model is None or model.vendor != request.target.vendor:
            asked = f"{request.target.vendor} {request.target.model!r}"
            raise final("UnknownModel", f"{asked} is not in the catalogue; see llm.toml")
        if not request.prompt.answer:
            return None
        try:
            return self._answers[request.prompt.answer]
        except KeyError as unknown:
            raise final("UnknownAnswer", f"no record is called {unknown}") from unknown

    async def _tell(self, request: ModelRequest, record: type[Record] | None) -> _Told:
        """Get one reply, sent for or read back. Raises the named errors of `ask_model`."""
        context = call_context()
        provider = self._provider(request.target.vendor)
        try:
            endpoint = self._settings.endpoint(request.target.vendor)
            asked = self._catalogue.as_sent(request)
            http = provider.build(asked, strict_schema(record) if record else None, endpoint)
            fetched = await self._fetch(request, context, endpoint, http)
        except (Answered, WireError, SettingsError) as trouble:
            wait = pause(context.attempt, self._settings.retry_pause)
            raise failure("Model", trouble, wait) from trouble
        parsed = provider.parse(fetched.reply.body)
        if parsed.outcome in UNUSABLE and parsed.outcome is not ReplyOutcome.MALFORMED:
            said = f"{request.target.model}: {parsed.outcome} ({parsed.finish})"
            raise final(UNUSABLE[parsed.outcome], said, usd=str(fetched.reply.usd))
        return _Told(parsed, fetched.reply.usd, fetched.reused, fetched.reply.simulated)

    async def _fetch(
        self, request: ModelRequest, context: CallContext, endpoint: Endpoint, http: HttpRequest
    ) -> Fetched:
        vendor = request.target.vendor
        entry = entry_of(request, context, http)
        if endpoint.simulated:
            sample = {"x-braid-sample": str(request.sample)}
            http = replace(http, headers=dict(http.headers) | sample)

        def stored(reply: Reply) -> StoredReply:
            return self._priced(request, reply, endpoint.simulated)

        sending = Sending(
            service=vendor,
            endpoint=endpoint,
            request=http,
            judge=lambda reply: self._judged(vendor, reply),
            stored=stored,
        )
        return await fetch(self._journal, self._wire, entry, sending)

    def _judged(self, vendor: str, reply: Reply) -> Advice:
        dialect = self._catalogue.vendors[vendor].dialect
        return read_reply(dialect, vendor, reply, self._store.clock()).advice

    def _priced(self, request: ModelRequest, reply: Reply, simulated: bool) -> StoredReply:
        usage = self._provider(request.target.vendor).parse(reply.body).usage
        usd = self._catalogue.usd(request.target.model, usage, self._today())
        return StoredReply(
            status=reply.status,
            headers=worth_keeping(reply.headers),
            body=reply.body,
            received_at=self._store.clock(),
            simulated=simulated,
            usage=usage,
            usd=usd or Decimal(0),
        )

    def _today(self) -> date:
        return self._store.clock().astimezone(UTC).date()

    def _answer(self, request: ModelRequest, told: Sequence[_Told]) -> ModelAnswer:
        """Make the answer from the last reply; tokens and cost are those of all of them."""
        spent = [each.parsed.usage for each in told]
        sums = {name: sum(getattr(u, name) for u in spent) for name in Usage.model_fields}
        return ModelAnswer(
            target=request.target,
            text=told[-1].parsed.text,
            usage=Usage(**sums),
            usd=sum((each.usd for each in told), Decimal(0)),
            priced=bool(self._catalogue.model(request.target.model).prices),
            simulated=any(each.simulated for each in told),
            reused=all(each.reused for each in told),
            window=self._catalogue.window(request.target.model),
        )


def _misfit(parsed: Parsed, record: type[Record] | None) -> str:
    """Say why a reply does not fit its record; empty if it fits. No value of it is quoted."""
    if parsed.outcome is not ReplyOutcome.OK:
        return f"the reply is {parsed.outcome}"
    if record is None:
        return ""
    try:
        record.model_validate_json(parsed.text)
    except ValidationError as wrong:
        found = ((".".join(str(p) for p in e["loc"]), e["msg"]) for e in wrong.errors()[:5])
        return "; ".join(f"{place}: {message}" if place else message for place, message in found)
    return ""


def _form(answer: str) -> str:
    return f"one JSON object that fits {answer}" if answer else "plain text"


def _repair(request: ModelRequest, given: str, wrong: str) -> ModelRequest:
    """Ask the same question once more, with what was wrong with the first reply."""
    note = (
        f"Your previous reply could not be used ({wrong}). It was:\n{given[:4000]}\n"
        f"Answer the question again, as {_form(request.prompt.answer)}."
    )
    prompt = request.prompt.model_copy(update={"user": f"{request.prompt.user}\n\n{note}"})
    sample = request.sample + REPAIR_SAMPLES
    return request.model_copy(update={"prompt": prompt, "sample": sample})
