"""How the phases of a submission are sealed, signed by people, locked, and opened again."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from workflows.calls import CHAT, ask
from workflows.data.audit import Action
from workflows.data.common import Record, Verdict
from workflows.data.effects import ChatOrder
from workflows.data.phases import PhaseVersion
from workflows.data.submission import (
    Amended,
    Amendment,
    Analysis,
    Bundle,
    Phase,
    Review,
    SubmissionCase,
    Writing,
)
from workflows.patterns.gate import GateResult, Reminder, value_as
from workflows.patterns.phases import Phases
from workflows.patterns.process import Process
from workflows.patterns.trail import Trail, person
from workflows.rules import submission as rules


class Signing:
    """The desk at which one submission is signed; its audit is `trail`, by the clock `now`.

    `amendments` are those made, with their trace.
    """

    def __init__(self, process: Process, case: SubmissionCase, now: Callable[[], datetime]) -> None:
        self.process, self.case = process, case
        self.phases = Phases(rules.PLAN)
        self.amendments: tuple[Amended, ...] = ()
        self._missing: dict[str, tuple[str, ...]] = {}
        roles = {s.name: tuple(map(str, s.roles)) for s in case.signers}
        self.trail = process.desk.watcher = Trail("regulatory-submission", now, roles)
        self.trail.add(Action.CASE_OPENED, case.case, actor=person(case.author), after=case.product)

    async def sign(self, phase: Phase, output: Analysis | Writing | Review | Bundle) -> GateResult:
        """Seal what a phase came to; let its people sign the hash, send it back, or refuse it."""
        self._missing[phase] = rules.gaps(output)
        version = self._sealed(phase, output)
        left = self.case.amendments - len(self.amendments)
        spec = rules.sign_off(self.case, version, self._missing[phase], left)
        return await self.process.gate(spec, partial(self._remind, spec.question))

    def locked(self, phase: Phase, decided: GateResult) -> bool:
        """Lock a phase that everybody signed; say whether it is."""
        if decided.timed_out or any(d.verdict is not Verdict.APPROVE for d in decided.decisions):
            return False
        gate = decided.decisions[0].gate
        version = self.phases.lock(phase, [s for s in self.trail.signed if s.gate == gate])
        self.trail.add(Action.PHASE_LOCKED, phase, after=version.hash)
        return True

    def amend(self, phase: Phase, decided: GateResult) -> None:
        """Reopen what a signer wants done again, without a value this phase; keep the trace."""
        wish = decided.decisions[-1]
        reason = wish.comment or "sent back"
        if wish.value is not None:
            asked = value_as(Amendment, wish.value)
            phase, reason = asked.phase, asked.reason
        fallen = self.phases.reopen(phase, reason)
        for version in fallen:
            self._missing.pop(version.phase)
            told = {"before": version.hash, "reason": reason}
            self.trail.add(Action.PHASE_FELL, version.phase, actor=person(wish.by), **told)
        fell = tuple(f"{v.phase} {v.version}" for v in fallen)
        made = Amended(phase=phase, by=wish.by, reason=reason, fell=fell)
        self.amendments += (made,)

    def notes(self, phase: Phase) -> tuple[str, ...]:
        """Give the reasons for which a phase was opened again."""
        return tuple(a.reason for a in self.amendments if a.phase is phase)

    def gaps(self) -> tuple[str, ...]:
        """Give the gaps of all phases that stand, each once."""
        return tuple(dict.fromkeys(g for found in self._missing.values() for g in found))

    def _sealed(self, phase: Phase, output: Record) -> PhaseVersion:
        version = self.phases.seal(phase, output)
        why = f"version {version.version}"
        self.trail.add(Action.PHASE_SEALED, phase, after=version.hash, reason=why)
        return version

    async def _remind(self, question: str, reminder: Reminder) -> Record:
        """Tell the signers' channel."""
        text = f"submission {self.case.case}: {question} Waits for {', '.join(reminder.to)}."
        return await ask(CHAT, ChatOrder(template=reminder.gate, number=reminder.number, text=text))
