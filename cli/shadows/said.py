"""What people and the world told a case, so that its shadow can be told the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.common import RawValue

from cli import cases
from workflows.data.common import Decision, GateView

MOST_LAPSES = 3
"""How often a gate that opens again and again is ended before its case is given up."""


@dataclass
class Told:
    """One signal of a case: where it went (what follows the case's id), its name, its message."""

    to: str
    name: str
    payloads: Sequence[Payload]


@dataclass
class Said:
    """What a case was told: decisions by member of its family and gate, then signals in order."""

    decisions: dict[tuple[str, str], list[Decision]] = field(default_factory=dict)
    signals: list[Told] = field(default_factory=list)
    lapsed: dict[tuple[str, str], set[datetime]] = field(default_factory=dict)

    def next(self, member: str, gate: GateView) -> Decision | None:
        """Take the next decision that was given at a gate, if there is one left."""
        left = self.decisions.get((member, gate.name), [])
        return left.pop(0) if left else None

    def lapse(self, member: str, gate: GateView) -> bool:
        """Say whether a gate nobody decided at may be ended once more."""
        openings = self.lapsed.setdefault((member, gate.name), set())
        openings.add(gate.opened)
        return len(openings) <= MOST_LAPSES


async def family(client: Client, case: str) -> list[cases.Handle]:
    """List a case and its children, of all generations."""
    query = f"RootWorkflowId = '{case}'"
    found = [client.get_workflow_handle(w.id) async for w in client.list_workflows(query)]
    return found or [client.get_workflow_handle(case)]


async def said_in(client: Client, case: str) -> Said:
    """Read from the histories of a case and its children what came from outside."""
    found = Said()
    for handle in await family(client, case):
        member = handle.id.removeprefix(case)
        async for event in handle.fetch_history_events():
            signal = event.workflow_execution_signaled_event_attributes
            accepted = event.workflow_execution_update_accepted_event_attributes
            asked = accepted.accepted_request.input
            if asked.name == "decide":
                await _decided(client, found, member, asked.args.payloads)
            elif signal.signal_name == "decide":
                await _decided(client, found, member, signal.input.payloads)
            elif signal.signal_name and not signal.external_workflow_execution.workflow_id:
                found.signals.append(Told(member, signal.signal_name, signal.input.payloads))
    return found


async def _decided(client: Client, found: Said, member: str, given: Sequence[Payload]) -> None:
    """Keep a decision. What a case refused by signal is refused again, and then left out."""
    (said,) = await client.data_converter.decode(given, [Decision])
    found.decisions.setdefault((member, said.gate), []).append(said)


async def tell(client: Client, shadow: str, told: Told) -> None:
    """Send a signal to the same member of a shadow's family."""
    handle: Any = client.get_workflow_handle(shadow + told.to)
    await handle.signal(told.name, args=[RawValue(payload) for payload in told.payloads])
