"""Ask a model for an answer that fits its record, with one bounded repair."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

from activities.failures import costing, final
from activities.journalled import CallDesk
from activities.llm.checks import record_of
from activities.llm.providers.common import Parsed, ReplyOutcome
from activities.llm.sending import ModelSender, Told
from runtime.catalogue import Catalogue
from runtime.settings import Settings
from workflows.data.common import Record
from workflows.data.llm import ModelAnswer, ModelRequest, RoleBook, RoleQuery, Usage

REPAIR_SAMPLES = 1000
"""Added to the sample of a question when it is asked again with a repair note."""
ENOUGH = 30
"""Calls on which a learned p95 must rest: its error is some 15 % then (docs/estimates.md)."""


class ModelActivities:
    """The doors to models. `answers` are the records a prompt may name for its reply."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        desk: CallDesk,
        answers: Mapping[str, type[Record]],
    ) -> None:
        self._catalogue, self._answers = catalogue, answers
        self._estimates, self._live = desk.estimates, settings.live
        self._sender = ModelSender(settings, catalogue, desk)

    async def resolve_roles(self, query: RoleQuery) -> RoleBook:
        """Say which models stand behind the roles; `UnknownRole` if one is not written down.

        A p95 learned from enough calls takes the place of the catalogue's.
        """
        try:
            book = self._catalogue.book(query.roles, self._sender.today())
        except KeyError as unknown:
            known = ", ".join(sorted(self._catalogue.roles))
            raise final("UnknownRole", f"role {unknown} is not in {known}") from unknown
        rows = await self._estimates.models(simulated=not self._live, least=ENOUGH)
        facts = tuple(
            f.model_copy(update={"p95": row.p95, "p95_snapshot": row.snapshot})
            if (row := rows.get(f.target))
            else f
            for f in book.facts
        )
        return book.model_copy(update={"facts": facts})

    async def ask_model(self, request: ModelRequest) -> ModelAnswer:
        """Ask one question of one model and give an answer that fits the prompt's record.

        Never retried: ModelRefused, ModelBlocked, ModelTruncated, ModelAnswerUnusable (after
        one repair), ModelRequestRefused, ContextTooLarge, ModelQuotaSpent, ModelBusy,
        ModelCircuitOpen (unless the request is patient), BudgetSpent, BudgetUnknown, PriceUnknown,
        NotConfigured, UnknownModel, UnknownAnswer.
        Retried: ModelUnavailable (down, busy, cut off), ModelNonsense.
        """
        record = record_of(self._catalogue, self._answers, request)
        first = await self._sender.tell(request, record)
        if not (wrong := misfit(first.parsed, record)):
            return self._answer(request, [first])
        await self._sender.unfit(first)
        try:
            second = await self._sender.tell(_repair(request, first.parsed.text, wrong), record)
        except ApplicationError as error:
            raise costing(error, first.usd) from error
        if wrong := misfit(second.parsed, record):
            await self._sender.unfit(second)
            wanted = request.prompt.answer or "text"
            told = f"{request.target.model} gave no usable {wanted}: {wrong}"
            raise final("ModelAnswerUnusable", told, usd=str(first.usd + second.usd))
        return self._answer(request, [first, second])

    def _answer(self, request: ModelRequest, told: Sequence[Told]) -> ModelAnswer:
        """Make the answer from the last reply; tokens and cost are those of all of them."""
        spent = [each.parsed.usage for each in told]
        sums = {name: sum(getattr(u, name) for u in spent) for name in Usage.model_fields}
        model = request.target.model
        return ModelAnswer(
            target=request.target,
            text=told[-1].parsed.text,
            usage=Usage(**sums),
            usd=sum((each.usd for each in told), Decimal(0)),
            priced=bool(self._catalogue.model(model).prices),
            simulated=any(each.fetched.reply.simulated for each in told),
            reused=all(each.fetched.reused for each in told),
            cached=any(each.fetched.cached for each in told),
            repaired=len(told) > 1,
            window=self._catalogue.window(model),
            waited=round(sum(each.fetched.waited for each in told), 3),
        )


def misfit(parsed: Parsed, record: type[Record] | None) -> str:
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


def _repair(request: ModelRequest, given: str, wrong: str) -> ModelRequest:
    """Ask the same question once more, with what was wrong with the first reply."""
    form = f"one JSON object that fits {request.prompt.answer}" if request.prompt.answer else "text"
    note = (
        f"Your previous reply could not be used ({wrong}). It was:\n{given[:4000]}\n"
        f"Answer the question again, as {form}."
    )
    prompt = request.prompt.model_copy(update={"user": f"{request.prompt.user}\n\n{note}"})
    sample = request.sample + REPAIR_SAMPLES
    return request.model_copy(update={"prompt": prompt, "sample": sample})
