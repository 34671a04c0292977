"""Tasks: whom to ask, and through which desk, when code cannot finish what it began."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from workflows.calls import only_in_workflow
from workflows.data.common import Decision, Record, Verdict
from workflows.patterns.gate import GateResult, GateSpec, Level, People, Remind, task_gate


class OpenTask(Protocol):
    """What opens a gate with its reminders and waits for its end, as `Desk.open` does."""

    async def __call__(self, spec: GateSpec, remind: Remind | None = None, /) -> GateResult:
        """Wait until people settled it or its deadline passed."""
        ...


@dataclass(frozen=True)
class Tasks:
    """Where people take over: `open` is the desk's (`Process.desk.open`), any one person decides.

    `remind` is called at each interval, and at each level of the `escalation`, whose people may
    decide from then on. Raises Misuse if nobody could ever decide, NotInStep inside a fused step,
    where nobody waits.
    """

    open: OpenTask
    people: People
    deadline: timedelta = timedelta(days=3)
    remind_every: timedelta = timedelta(days=1)
    remind: Remind | None = None
    escalation: tuple[Level, ...] = ()

    def __post_init__(self) -> None:
        only_in_workflow("a task for a person")
        self._gate("task", "?", (Verdict.RETRY,), None)

    async def ask(
        self,
        name: str,
        question: str,
        verdicts: tuple[Verdict, ...],
        supplies: type[Record] | None = None,
    ) -> Decision | None:
        """Ask what becomes of a step; None if nobody decided until the deadline."""
        result = await self.open(self._gate(name, question, verdicts, supplies), self.remind)
        return result.last

    async def settled(self, name: str, question: str, verdicts: tuple[Verdict, ...]) -> Decision:
        """Ask until somebody decides, however long that takes; who was asked once may still."""
        asking = self
        while (said := await asking.ask(name, question, verdicts)) is None:
            all_of_them = self._gate(name, question, verdicts, None).panel(len(self.escalation))
            asking = replace(self, people=all_of_them.people, escalation=())
        return said

    def _gate(
        self,
        name: str,
        question: str,
        verdicts: tuple[Verdict, ...],
        supplies: type[Record] | None,
    ) -> GateSpec:
        return task_gate(
            name,
            question,
            self.people,
            verdicts=verdicts,
            deadline=self.deadline,
            remind_every=self.remind_every,
            supplies=supplies,
            escalation=self.escalation,
        )
