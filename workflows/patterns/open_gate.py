"""An open gate: decisions are judged and counted, reminders and escalations happen in time."""

import asyncio
from datetime import datetime

from pydantic import ValidationError

from workflows.data.common import (
    Decision,
    DecisionAnswer,
    Escalated,
    GateState,
    GateView,
    Record,
    Verdict,
)
from workflows.errors import Misuse, Refused, misfits
from workflows.patterns.clock import now, wait_for
from workflows.patterns.gate import GateResult, GateSpec, Remind, Reminder, value_as
from workflows.patterns.gate_counts import gate_nudged
from workflows.patterns.objection import Objection, Why
from workflows.patterns.seats import Panel, Seat
from workflows.patterns.signatures import Signatures
from workflows.scope import log, told


class Gate:
    """An open gate. `refuse` judges a decision without changing anything; `take` counts it.

    `signatures` are those of the case: whose keys there are, and which names are one person's.
    Raises Misuse if people without a key, or under two names, were all there is.
    """

    def __init__(
        self, spec: GateSpec, state: GateState | None = None, signatures: Signatures | None = None
    ) -> None:
        self.spec, self._signatures = spec, signatures or Signatures()
        self.opened: datetime = state.opened if state else now()
        self.decisions: list[Decision] = list(state.decisions) if state else []
        self.reminders = state.reminders if state else 0
        self.escalations: list[Escalated] = list(state.escalations) if state else []
        self._ended = asyncio.Event()
        self._why, self._lapsed = "", False
        self._check_keys()
        self._check_state()
        self._close_if_settled()

    @property
    def closed(self) -> bool:
        """Whether no decision counts any more."""
        return self._ended.is_set()

    @property
    def panel(self) -> Panel:
        """Everybody asked by now."""
        return self._signatures.known(self.spec.panel(len(self.escalations)))

    @property
    def taken(self) -> tuple[Seat, ...]:
        """The seats of those who decided."""
        role = self._signatures.role
        return tuple(Seat(d.by, d.stands_for or d.by, role(d)) for d in self.decisions)

    def refuse(self, decision: Decision) -> Objection | None:
        """Say why this decision cannot count; None if it can."""
        seat = self._judged(decision)
        return seat if isinstance(seat, Objection) else None

    def take(self, decision: Decision) -> DecisionAnswer:
        """Count a decision. Raises Refused with the reason if it cannot count."""
        seat = self._judged(decision)
        if isinstance(seat, Objection):
            raise Refused(str(seat), {"why": str(seat.why), "gate": self.spec.name})
        stands_for = seat.of if seat.of != seat.by else None
        kept = self._signatures.kept(decision)
        self.decisions.append(kept.model_copy(update={"stands_for": stands_for}))
        self._close_if_settled()
        return DecisionAnswer(
            gate=self.spec.name,
            accepted=True,
            settled=self.closed,
            still_needed=() if self.closed else self.still_needed(),
            stands_for=stands_for,
            signed=self._signatures.wanted,
        )

    def lapse(self) -> None:
        """End it as if its deadline had passed."""
        self._lapsed = True
        self._close("is over: nobody decides")

    def still_needed(self) -> tuple[str, ...]:
        """Give the roles no deciding person fills yet."""
        return self.panel.still_needed(self.taken)

    def may_decide(self) -> tuple[str, ...]:
        """Give those whose decision would bring the gate nearer to its end, deputies last."""
        return self.panel.may_decide(self.taken)

    async def wait(self, remind: Remind | None = None) -> GateResult:
        """Wait for the decisions; `remind` is called at each interval and escalation."""
        sending: list[asyncio.Task[None]] = []
        end, timed_out = self.opened + self.spec.deadline, False
        try:
            while not (self.closed or timed_out):
                due = self._next_due()
                if not await wait_for(self._ended, due - now(), self._summary):
                    timed_out = max(due, now()) >= end
                    if not timed_out:
                        sending.append(asyncio.ensure_future(_send(self._nudge(due), remind)))
        except (Exception, asyncio.CancelledError):
            self._close("is not asked any more")
            _stop(sending)
            raise
        if timed_out:
            self._close("is over: its deadline passed")
        _stop(sending)
        timed_out = timed_out or self._lapsed
        return GateResult(tuple(self.decisions), timed_out, tuple(self.escalations))

    def view(self) -> GateView:
        """Show the gate to queries."""
        spec = self.spec
        return GateView(
            name=spec.name,
            question=spec.question,
            proposal=spec.proposal,
            conditions=spec.conditions,
            needs=self.still_needed(),
            may_decide=self.may_decide(),
            decided=tuple(self.decisions),
            opened=self.opened,
            deadline=self.opened + spec.deadline,
            reminders=self.reminders,
            verdicts=tuple(v for v in spec.verdicts if v not in spec.barred),
            supplies=spec.supplies.model_json_schema() if spec.supplies else None,
            suggested=spec.suggests.model_dump(mode="json") if spec.suggests else None,
            asks=spec.asks.model_json_schema() if spec.asks else None,
            deputies=self.panel.may_stand_in(self.taken),
            escalations=tuple(self.escalations),
            signed=self._signatures.wanted,
        )

    def state(self) -> GateState:
        """Give what the next run needs to go on with this gate."""
        return GateState(
            name=self.spec.name,
            opened=self.opened,
            decisions=tuple(self.decisions),
            reminders=self.reminders,
            escalations=tuple(self.escalations),
        )

    @property
    def _summary(self) -> str:
        return f"{self.spec.name}: reminder or deadline"

    def _close_if_settled(self) -> None:
        if not self.still_needed() or any(d.verdict is Verdict.MORE for d in self.decisions):
            self._close("is settled")

    def _close(self, why: str) -> None:
        self._why = why
        self._ended.set()

    def _check_keys(self) -> None:
        spec = self.spec
        if not self._signatures.known(spec.panel(len(spec.escalation))).can_settle():
            raise Misuse(
                f"gate {spec.name!r} can never be settled by signed decisions: too few of its"
                f" people have a key of their own; name the keys of {', '.join(spec.people)}"
            )

    def _check_state(self) -> None:
        """Raise Misuse if the decisions carried over are not those of this gate's people."""
        levels = len(self.spec.escalation)
        strangers = [s.by for s in self.taken if s not in self.panel.seats_of(s.by, s.role)]
        if strangers or len(self.escalations) > levels:
            raise Misuse(
                f"gate {self.spec.name!r} was carried over with decisions or escalations that do"
                f" not fit its people ({', '.join(strangers) or 'levels'}); reopen it with the same"
            )

    def _next_due(self) -> datetime:
        """Give the next moment at which something is to be done."""
        spec, reached = self.spec, len(self.escalations)
        moments = [spec.deadline, spec.remind_every * (self.reminders + 1)]
        moments += [level.after for level in spec.escalation[reached : reached + 1]]
        return self.opened + min(moments)

    def _nudge(self, due: datetime) -> Reminder:
        """Escalate or remind, whichever is due, and give what is to be told."""
        reached, before = len(self.escalations), self.may_decide()
        chain, level = self.spec.escalation, 0
        if reached < len(chain) and self.opened + chain[reached].after <= due:
            level = reached + 1
            fresh = self.spec.panel(level).may_decide(self.taken)
            to = tuple(n for n in fresh if n not in before)
            self.escalations.append(Escalated(level=level, at=now(), to=to))
            log.info("gate escalated", extra=told(gate=self.spec.name, level=str(level)))
        else:
            self.reminders += 1
            to = before
        gate_nudged(self.spec.name, level)
        number = self.reminders + len(self.escalations)
        return Reminder(self.spec.name, number, to, level)

    def _judged(self, decision: Decision) -> Seat | Objection:
        """Give the seat a decision counts in, or what is wrong with it."""
        if self.closed:
            return Objection(Why.TOO_LATE, f"too late: gate {self.spec.name!r} {self._why}")
        signed = self._signatures.object(decision, self.opened, self.decisions)
        if signed is not None:
            return signed
        seat = self._seat(decision)
        if not isinstance(seat, Objection) and (wrong := self._wrong(decision)) is not None:
            return Objection(Why.UNFIT, wrong)
        return seat

    def _seat(self, decision: Decision) -> Seat | Objection:
        by, spec, panel = decision.by, self.spec, self.panel
        for level in spec.escalation[len(self.escalations) :]:
            if by in level.people and not (panel.seats_of(by) or panel.is_excluded(by)):
                from_then = f"{self.opened + level.after:%Y-%m-%d %H:%M} UTC"
                told = f"{by} is not asked yet, but from {from_then} on"
                return Objection(Why.TOO_EARLY, told)
        role = self._signatures.role(decision)
        return panel.choose(by, decision.stands_for, self.taken, role)

    def _wrong(self, decision: Decision) -> str | None:
        """Say what is wrong with a decision, whoever makes it."""
        spec, verdict = self.spec, decision.verdict
        if verdict not in spec.verdicts:
            return f"gate {spec.name!r} takes {', '.join(spec.verdicts)}, not {verdict}"
        if verdict in spec.reasoned and not decision.comment.strip():
            return f"gate {spec.name!r} takes {verdict} with a reason only; give a comment"
        if decision.conditions and verdict is not Verdict.APPROVE:
            return "conditions go with approve only"
        takes = spec.takes(verdict)
        if decision.value is not None and takes is None:
            return f"gate {spec.name!r} takes no value with {verdict}"
        wanted = verdict is Verdict.SUPPLY or decision.value is not None
        if takes is not None and wanted and (why := _misfit(spec, takes, decision)):
            return why
        return spec.barred.get(verdict)


def _misfit(spec: GateSpec, takes: type[Record], decision: Decision) -> str | None:
    try:
        value = value_as(takes, decision.value)
    except ValidationError as error:
        return f"the value does not fit: {misfits(error)}"
    why = spec.misfit(value) if spec.misfit else None
    return f"the value does not fit: {why}" if why else None


async def _send(reminder: Reminder, remind: Remind | None) -> None:
    """Remind; a reminder that cannot be sent must not end the waiting."""
    if remind is None or not reminder.to:
        return
    try:
        await remind(reminder)
    except Exception as error:
        log.warning("reminder not sent", extra=told(why=type(error).__name__))


def _stop(sending: list[asyncio.Task[None]]) -> None:
    for task in sending:
        task.cancel()
