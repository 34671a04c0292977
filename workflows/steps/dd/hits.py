"""Due diligence: hits are judged by people while the case goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from temporalio.exceptions import ActivityError, is_cancelled_exception

from workflows.calls import CHAT, FIND_CLEARED_HIT, KEEP_CLEARED_HIT, ask
from workflows.data.case_file import CaseFile, Party
from workflows.data.common import Decision, Record, Verdict
from workflows.data.findings import CheckResult, Disposition
from workflows.data.hits import ClearedAnswer, ClearedHit, ClearedQuery, HitReview, ReviewedHit
from workflows.errors import reason
from workflows.patterns.clock import now, wait_for
from workflows.patterns.gate import ANYBODY, GateResult, GateSpec, Remind, Reminder, value_as
from workflows.rules.dd import hits as rules
from workflows.rules.dd.hits import Hit
from workflows.rules.dd.seating import people_of, reminding, seated, without
from workflows.scope import Scope, enter_scope, log, told

Opens: TypeAlias = Callable[[GateSpec, Remind], Awaitable[GateResult]]
MOST = 100
"""Hits of one case people are asked about. Those beyond stay open, which fails closed."""


class HitDesk:
    """Asks people about each hit as soon as it is found, through gates `open` opens.

    `where` is the case's workflow id; `confirmed` is told when people find that a possible hit on a
    sanctions list is the party.
    """

    def __init__(
        self, case: CaseFile, where: str, open_gate: Opens, confirmed: Callable[[], None]
    ) -> None:
        self._case, self._where = case, where
        self._open, self._confirmed = open_gate, confirmed
        self._parties = rules.parties_of(case)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._awaited: set[str] = set()
        self._settled = asyncio.Event()
        self._settled.set()
        self.reviewed: dict[str, ReviewedHit] = {}
        """What became of each hit, by the name of its gate."""
        self._hits: list[Hit] = []
        self.told: Callable[[ReviewedHit], None] | None = None
        """Who hears what became of each hit, at once."""

    def look(self, result: CheckResult, *discovered: Party) -> None:
        """Open a gate for each hit of a check that was not asked about before.

        Parties the case file does not name are `discovered`.
        """
        self._parties |= {p.party_id: p for p in discovered}
        for hit in rules.hits_of(result, self._parties):
            self._hits.append(hit)
            if hit.gate in self._tasks or hit.gate in self.reviewed:
                continue
            if len(self._tasks) >= MOST:
                self._note(hit, None, note=f"not asked about: there are more than {MOST} hits")
                continue
            if not hit.confirmed:
                self._awaited.add(hit.gate)
            self._tasks[hit.gate] = asyncio.ensure_future(self._reviewed(hit))
        self._look_whether_settled()

    async def settled(self) -> None:
        """Wait until every possible hit was disposed of, or its deadline passed.

        Nothing waits for what the rules confirmed, though people may say otherwise meanwhile; and
        for nothing at all once somebody is listed beyond doubt whose being listed prohibits.
        """
        await wait_for(self._settled, None, "hits")

    def judged(self, checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
        """Give the checks with what people made of their hits."""
        return tuple(rules.judged(c, self.reviewed, self._hits) for c in checks)

    def close(self) -> tuple[ReviewedHit, ...]:
        """Withdraw what is still open at the end of the case, and give what became of all."""
        for task in self._tasks.values():
            task.cancel()
        for hit in self._hits:
            if hit.gate not in self.reviewed:
                self._note(hit, None, note="the case was decided before anybody looked at it")
        return tuple(self.reviewed.values())

    async def _reviewed(self, hit: Hit) -> None:
        enter_scope(Scope(hit.gate))  # a branch of its own: the check has ended
        try:
            await self._review(hit)
        except Exception as error:
            if is_cancelled_exception(error):
                raise
            self._note(hit, None, note=f"nobody could be asked: {reason(error)}")

    async def _review(self, hit: Hit) -> None:
        remembered = await self._remembered(hit)
        if (cleared := remembered.cleared) is not None:
            note = f"cleared before, in {cleared.case}; that holds until {cleared.expires:%Y-%m-%d}"
            self._note(hit, Disposition.FALSE_POSITIVE, by=(cleared.by,), note=note)
            return
        said = await self._asked(hit, rules.worksheet(hit), remembered.lifted)
        if said and rules.needs_second(hit, said[0][1].disposition):
            said += await self._asked(hit, said[0][1], "a second person must agree", said[0][0])
            if len(said) == 1:
                self._note(hit, None, said, note="nobody else agreed by the deadline")
                return
        if not said:
            self._note(hit, None, note="nobody disposed of it by the deadline")
            return
        disposition = rules.agreed([review for _, review in said])
        self._note(hit, disposition, said)
        if disposition is Disposition.TRUE_MATCH and hit.finding.code in rules.SANCTIONS:
            self._confirmed()
        elif disposition is Disposition.FALSE_POSITIVE:
            await self._remember(hit, self.reviewed[hit.gate])

    async def _asked(
        self, hit: Hit, draft: HitReview, note: str, first: Decision | None = None
    ) -> list[tuple[Decision, HitReview]]:
        """Ask one person, not `first` again. Empty if nobody answered by the deadline."""
        result = await self._open(self._gate(hit, draft, note, first), self._remind)
        if result.last is None:
            return []
        return [(result.last, value_as(HitReview, result.last.value))]

    def _gate(self, hit: Hit, draft: HitReview, note: str, first: Decision | None) -> GateSpec:
        policy, finding = self._case.review, hit.finding
        told = f"; {note}" if note else ""
        spec = GateSpec(
            name=f"{hit.gate}-second" if first else hit.gate,
            question=f"Is {finding.party_id} the one of {hit.entry}? {finding.summary}{told}",
            proposal=Verdict.SUPPLY,
            people=people_of(policy),
            needs=(ANYBODY,),
            deadline=self._case.hits.deadline,
            remind_every=self._case.hits.reminder,
            excluded=frozenset({self._case.author}),
            verdicts=(Verdict.SUPPLY,),
            supplies=HitReview,
            suggests=draft,
        )
        return seated(without(spec, first) if first else spec, policy)

    async def _remind(self, reminder: Reminder) -> Record:
        what = f"hit {reminder.gate} of case {self._case.case}"
        return await ask(CHAT, reminding(reminder, what))

    async def _remembered(self, hit: Hit) -> ClearedAnswer:
        """Ask for an earlier disposition; a memory that does not answer holds nothing."""
        query = ClearedQuery(
            customer=rules.customer_of(self._case),
            party_sha256=hit.party_sha256,
            entry=hit.entry,
            entry_sha256=hit.entry_sha256,
            at=now(),
        )
        try:
            return await ask(FIND_CLEARED_HIT, query)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            log.warning("cleared hits not asked", extra=told(why=reason(error)))
            return ClearedAnswer()

    async def _remember(self, hit: Hit, review: ReviewedHit) -> None:
        cleared = ClearedHit(
            customer=rules.customer_of(self._case),
            party_sha256=hit.party_sha256,
            entry=hit.entry,
            entry_sha256=hit.entry_sha256,
            by=review.by[-1],
            reason=review.reviews[-1].reason,
            case=self._where,
            at=review.at,
            expires=review.at + self._case.hits.remember,
        )
        try:
            await ask(KEEP_CLEARED_HIT, cleared)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            log.warning("cleared hit not kept", extra=told(why=reason(error)))

    def _note(
        self,
        hit: Hit,
        disposition: Disposition | None,
        said: Sequence[tuple[Decision, HitReview]] = (),
        *,
        by: tuple[str, ...] = (),
        note: str = "",
    ) -> None:
        self.reviewed[hit.gate] = ReviewedHit(
            gate=hit.gate,
            finding=hit.finding.id,
            code=hit.finding.code,
            party_id=hit.finding.party_id,
            entry=hit.entry,
            disposition=disposition,
            by=by or tuple(decision.by for decision, _ in said),
            reviews=tuple(review for _, review in said),
            at=now(),
            note=note,
        )
        if self.told is not None:
            self.told(self.reviewed[hit.gate])
        self._look_whether_settled()

    def _look_whether_settled(self) -> None:
        true = [h for h in self._hits if h.finding.code in rules.SANCTIONS and self._is_true(h)]
        if self._awaited <= set(self.reviewed) or any(h.decisive for h in true):
            self._settled.set()
        else:
            self._settled.clear()

    def _is_true(self, hit: Hit) -> bool:
        review = self.reviewed.get(hit.gate)
        return hit.confirmed if review is None else review.disposition is Disposition.TRUE_MATCH
