"""Tasks: whom to ask, and through which desk, when code cannot finish what it began."""

from dataclasses import dataclass
from datetime import timedelta

from workflows.calls import only_in_workflow
from workflows.data.common import Decision, Record, Verdict
from workflows.patterns.gate import GateSpec, OpenGate, People, task_gate


@dataclass(frozen=True)
class Tasks:
    """Where people take over: `open` is the desk's (`Process.desk.open`), any one person decides.

    Raises Misuse if nobody could ever decide, NotInStep inside a fused step, where nobody waits.
    """

    open: OpenGate
    people: People
    deadline: timedelta = timedelta(days=3)
    remind_every: timedelta = timedelta(days=1)

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
        result = await self.open(self._gate(name, question, verdicts, supplies))
        return result.last

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
        )
