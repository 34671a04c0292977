"""An office without a network: reviewers, writers, people and services that answer or fail."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from temporalio.exceptions import ApplicationError

from simulator.book import Book
from simulator.effects.accounts import Accounts
from simulator.effects.keyed import Keyed
from simulator.exchange import Asked
from simulator.state import StateFile
from tests.patterns.asking import Label, consulted
from tests.patterns.virtual import elapsed
from tests.support.world import example
from workflows.calls import open_door
from workflows.data.accounts import AccountQuery, AccountView
from workflows.data.common import Decision, Record, Verdict
from workflows.data.effects import (
    AccountOrder,
    ChatOrder,
    EffectReceipt,
    EffectState,
    MailOrder,
)
from workflows.data.llm import Prompt
from workflows.data.proposal import (
    DraftScore,
    ProposalAction,
    ProposalCase,
    ProposalDraft,
    ProposalReview,
)
from workflows.errors import ModelUnavailable, call_failed
from workflows.patterns.consult import Consulted
from workflows.patterns.gate import GateResult, GateSpec
from workflows.patterns.open_gate import Gate
from workflows.patterns.tasks import Tasks
from workflows.steps.proposal.actions import Actions
from workflows.steps.proposal.offer import Offer

FLEET = example("proposal/fleet", ProposalCase)
GOOD = ProposalDraft(title="Offer", text=" ".join(FLEET.points))
POOR = ProposalDraft(title="Offer", text=FLEET.points[0])
SECONDS = 2
NUMBER = "pr-1"


@dataclass
class Office:
    """The process of an offer. `reviews` says what each reviewer does: a verdict, or None for no
    answer. `drafts` come round by round, the last for ever; None is no answer. `judge` scores.
    `people` say of a gate, as it begins, what is decided; None is nobody in time.
    """

    reviews: Mapping[str, str | None] = field(default_factory=dict)
    drafts: Sequence[ProposalDraft | None] = (GOOD,)
    judge: float | None = 1.0
    people: Mapping[str, Verdict | None] = field(default_factory=dict)
    asked: list[tuple[float, str]] = field(default_factory=list)
    gates: list[GateSpec] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)

    async def branch(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        return await work()

    async def consult(
        self, role: str, prompt: Prompt, record: type[Any], *, sample: int = 0
    ) -> Consulted[Any]:
        self.asked.append((elapsed(), prompt.name))
        self.prompts.append(prompt)
        await asyncio.sleep(SECONDS)
        said = self._said(prompt.name.removeprefix("proposal-"), record, sample)
        if said is None:
            raise ModelUnavailable(f"{role} is down")
        return Consulted(said, consulted("openai-a", Label(label="")).answer)

    def _said(self, what: str, record: type[Any], sample: int) -> Record | None:
        if record is ProposalReview:
            verdict = self.reviews.get(what, "go")
            told = {"verdict": verdict, "remarks": (f"{what} remark",), "confidence": 0.9}
            return ProposalReview.model_validate(told) if verdict else None
        if record is ProposalDraft:
            return self.drafts[min(max(sample, 1), len(self.drafts)) - 1]
        return None if self.judge is None else DraftScore(score=self.judge, missing=("a price",))

    async def gate(self, spec: GateSpec, remind: object = None) -> GateResult:
        assert remind is not None, "who is asked is reminded"
        self.gates.append(spec)
        gate = Gate(spec)
        verdict = next((v for n, v in self.people.items() if spec.name.startswith(n)), None)
        if verdict is None:
            await asyncio.sleep(spec.deadline.total_seconds())
            return GateResult((), timed_out=True)
        value = GOOD.model_dump() if verdict is Verdict.SUPPLY else None
        by = gate.may_decide()[0]
        said = Decision(verdict=verdict, by=by, gate=spec.name, value=value)
        assert gate.refuse(said) is None
        return GateResult((said,))

    def offer(self, **changes: Any) -> Offer:
        given = FLEET.model_validate({**FLEET.model_dump(), **changes})
        return Offer(self, given)  # type: ignore[arg-type] # what of a process an offer needs

    @property
    def names(self) -> list[str]:
        """What was asked, in order."""
        return [name.removeprefix("proposal-") for _, name in self.asked]


@dataclass
class Outside:
    """The services behind the actions: the simulator's own accounts, mail and channel.

    `wrong` says of an order how it fails: `refused`, `down` (nothing happened) or `lost` (it
    happened, the answer did not come). People who have an undo tried again come when all is well.
    """

    wrong: dict[str, str] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    mails: int = 0
    asked: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    under_way: list[asyncio.Task[Record]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts = Keyed(AccountOrder, Accounts(), StateFile(None), self.book)

    async def door(self, call: Any, request: Record) -> Record:
        """Perform an order; one that is cancelled under way goes on all the same."""
        task = asyncio.ensure_future(self._perform(call, request))
        self.under_way.append(task)
        return await asyncio.shield(task)

    async def _perform(self, call: Any, request: Record) -> Record:
        what = str(request.action) if isinstance(request, AccountOrder) else KINDS[type(request)]
        self.asked.append(what)
        await asyncio.sleep(SECONDS)
        how = self.wrong.get(what)
        if how in ("refused", "down"):
            kind = "EffectRefused" if how == "refused" else "EffectUnavailable"
            raise call_failed(call.name, ApplicationError(how, type=kind))
        if isinstance(request, AccountQuery):
            return self.customer()
        if isinstance(request, AccountOrder):
            body = request.model_dump_json().encode()
            asked = Asked("a", "POST", "/orders", headers={"idempotency-key": what}, body=body)
            reply = self.accounts.answer(asked)
            assert reply.status == 200, reply.body
            if how == "lost":
                raise call_failed(call.name, ApplicationError("lost", type="EffectUnavailable"))
        self.mails += isinstance(request, MailOrder)
        state = EffectState.UNCLEAR if how == "lost" else EffectState.DONE
        return EffectReceipt(key="k", reference="r", state=state)

    def customer(self) -> AccountView:
        """Read how the customer stands."""
        reply = self.accounts.answer(Asked("a", "GET", f"/customers/{NUMBER}"))
        if reply.status == 404:
            return AccountView(case=NUMBER)
        return AccountView.model_validate(reply.body)

    async def gate(self, spec: GateSpec, _remind: object = None) -> GateResult:
        self.tasks.append(spec.name)
        verdict = Verdict.RETRY if Verdict.RETRY in spec.verdicts else Verdict.DONE
        self.wrong = {} if verdict is Verdict.RETRY else self.wrong
        return GateResult((Decision(verdict=verdict, by="lena", gate=spec.name),))

    async def act(
        self, plan: tuple[ProposalAction, ...], cancel_at: float | None = None
    ) -> Actions:
        """Do the actions, cancelled after so many seconds; wait for what is under way still."""
        with open_door(self.door):
            actions = Actions(FLEET, NUMBER, Tasks(self.gate, {"lena": frozenset({"owner"})}))
            working = asyncio.ensure_future(actions.act(plan, GOOD))
            if cancel_at is not None:
                await asyncio.sleep(cancel_at)
                working.cancel()
            await asyncio.gather(working, return_exceptions=cancel_at is not None)
            await asyncio.gather(*self.under_way, return_exceptions=True)
            return actions

    def check(self, plan: tuple[ProposalAction, ...], *, sent: bool) -> None:
        """Check that all that was planned stands and was told, or nothing of it is left."""
        now = self.customer()
        stands = {
            ProposalAction.RECORD_CUSTOMER: bool(now.customer),
            ProposalAction.OPEN_ACCOUNT: bool(now.account),
            ProposalAction.RESERVE_AMOUNT: now.limit == Decimal("186000.00"),
        }
        assert stands == {a: sent and a in plan for a in stands}
        assert ("mail" in self.asked) is sent
        assert self.asked.count("mail") <= 1
        assert set(self.book.performed.values()) <= {1}, "nothing is done twice"


KINDS: Mapping[type[Record], str] = {MailOrder: "mail", ChatOrder: "chat", AccountQuery: "read"}
