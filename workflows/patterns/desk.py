"""Desk: the open gates of a process. They wait side by side and survive continue-as-new."""

import asyncio

from temporalio import workflow

from workflows.calls import only_in_workflow
from workflows.data.announce import Happening
from workflows.data.common import LAPSE, Decision, DecisionAnswer, DeskState, GateView
from workflows.errors import Misuse, Refused
from workflows.patterns.announce import Announcer
from workflows.patterns.clock import wait_for
from workflows.patterns.gate import GateResult, GateSpec, Remind, Reminder, Watcher
from workflows.patterns.gate_counts import gate_ended, gate_given_up, gate_opened
from workflows.patterns.objection import Objection, Why
from workflows.patterns.open_gate import Gate
from workflows.patterns.signatures import Signatures
from workflows.scope import in_shadow


class Desk:
    """The open gates of one process, by name.

    Made from the `state()` of an earlier run it goes on with that run's gates: reopened under
    their names they keep their opening times, decisions, reminders and escalations.
    With `signatures` that have keys, only signed decisions count; not in a shadow, which repeats
    what people said elsewhere and changes nothing.
    """

    def __init__(
        self,
        state: DeskState | None = None,
        announcer: Announcer | None = None,
        signatures: Signatures | None = None,
    ) -> None:
        self._gates: dict[str, Gate] = {}
        self._waiting: dict[str, Gate] = {}
        self._carried = {g.name: g for g in state.gates} if state else {}
        self._reopened = {name: asyncio.Event() for name in self._carried}
        self.watcher: Watcher | None = None
        self._announcer = announcer or Announcer("")
        self._signatures = signatures or Signatures()
        if in_shadow():
            self._signatures = Signatures()
            workflow.set_signal_handler(LAPSE, self.lapse)

    async def open(self, spec: GateSpec, remind: Remind | None = None) -> GateResult:
        """Open a gate and wait until people settled it or its deadline passed.

        Raises Misuse if a gate of that name is open, NotInStep inside a fused step.
        """
        only_in_workflow(f"gate {spec.name!r}")
        if spec.name in self._waiting:
            raise Misuse(f"gate {spec.name!r} is open already; give each open gate its own name")
        carried = self._carried.get(spec.name)
        gate = Gate(spec, carried, self._signatures)
        if carried is None:
            gate_opened(spec.name)
        self._gates[spec.name] = self._waiting[spec.name] = gate
        self._forget_carried(spec.name)
        self._announcer.tell(Happening.GATE_OPENED, gate=spec.name)
        if (watcher := self.watcher) is None:
            return await self._wait(gate, remind)
        watcher.gate_opened(spec)

        async def told(reminder: Reminder) -> None:
            watcher.gate_reminded(reminder)
            if remind is not None:
                await remind(reminder)

        result = await self._wait(gate, told)
        watcher.gate_ended(spec.name, result)
        return result

    async def _wait(self, gate: Gate, remind: Remind | None) -> GateResult:
        try:
            result = await gate.wait(remind)
        except (Exception, asyncio.CancelledError):
            gate_given_up(gate.spec.name)
            raise
        finally:
            del self._waiting[gate.spec.name]
        gate_ended(gate.spec.name, timed_out=result.timed_out)
        return result

    def refuse(self, decision: Decision) -> Objection | None:
        """Say why this decision cannot count; None if it can, or its gate is yet to reopen."""
        if (carried := self._carried.get(decision.gate)) is not None:
            return self._signatures.object(decision, carried.opened, carried.decisions)
        gate = self._gates.get(decision.gate)
        if gate is None:
            named = ", ".join(self.names()) or "none"
            return Objection(Why.NO_GATE, f"no gate {decision.gate!r} is open; open now: {named}")
        return gate.refuse(decision)

    def check(self, decision: Decision, phase: str) -> None:
        """Raise Refused if this decision cannot count, telling also the phase of the case."""
        if not isinstance(decision, Decision):  # an empty payload decodes to None
            raise Refused('a decision is {"verdict": ..., "by": ...}; this message is empty')
        if (why := self.refuse(decision)) is not None:
            where = f"(the case is at {phase!r}; see the query open_gates)"
            raise Refused(f"{why} {where}", self._details(why, decision.gate))

    def _details(self, why: Objection, gate: str) -> dict[str, str]:
        """Give what a refusal tells besides its words: its kind, and the gate if there is one."""
        known = gate in self._gates or gate in self._carried
        return {"why": str(why.why), "gate": gate if known else "unknown"}

    def take(self, decision: Decision) -> DecisionAnswer:
        """Count a decision at its open gate. Raises Refused if it cannot count."""
        gate = self._gates.get(decision.gate)
        if gate is None or decision.gate in self._carried:
            soon = Objection(Why.TOO_EARLY, f"gate {decision.gate!r} is yet to reopen")
            why = self.refuse(decision) or soon
            raise Refused(str(why), self._details(why, decision.gate))
        answer = gate.take(decision)
        if self.watcher is not None:
            self.watcher.gate_decided(gate.decisions[-1])
        told = {"gate": decision.gate, "verdict": str(decision.verdict), "by": decision.by}
        self._announcer.tell(Happening.GATE_DECIDED, settled=answer.settled, **told)
        return answer

    async def decide(self, decision: Decision) -> DecisionAnswer:
        """Count a decision; a gate carried over from an earlier run is waited for."""
        if (reopened := self._reopened.get(decision.gate)) is not None:
            await wait_for(reopened, None, f"{decision.gate}: reopens")
        return self.take(decision)

    def lapse(self, gate: str) -> None:
        """End an open gate of a shadow at once: nobody is asked there."""
        if (found := self._gates.get(gate)) is not None and not found.closed:
            found.lapse()

    def names(self) -> tuple[str, ...]:
        """Give the names of the open gates, in the order they were opened."""
        return tuple(name for name, gate in self._gates.items() if not gate.closed)

    def views(self) -> list[GateView]:
        """Show the open gates to queries."""
        return [gate.view() for gate in self._gates.values() if not gate.closed]

    def state(self) -> DeskState:
        """Give what the next run needs, taken just before it is started (continue-as-new).

        A gate that was settled, but whose `open` has not returned yet, is among them.
        """
        still = (gate.state() for gate in self._waiting.values())
        return DeskState(gates=(*self._carried.values(), *still))

    def close(self) -> None:
        """Say that no gate will be opened any more: decisions that wait for one are refused."""
        for name in list(self._carried):
            self._forget_carried(name)

    def _forget_carried(self, name: str) -> None:
        self._carried.pop(name, None)
        if (reopened := self._reopened.pop(name, None)) is not None:
            reopened.set()
