"""Run a history again with the code of today, and watch what it decides.

Nothing outside is touched: the SDK's replayer feeds the recorded events to the deployed workflows
in their own sandbox. We stand between the two and keep each workflow task: what it was told, what
it decided, from which lines of code, and (when stepping) what its queries then answer.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Replayer, WorkflowInstance, WorkflowRunner

from cli.code_lines import frames, traced
from deployed import NAMES, WORKFLOWS, BraidInterceptor, runner
from insight.again.commands import Command, Given, recorded
from insight.again.divergence import Comparison, Divergence, compare
from insight.history.reader import Events
from runtime.documents import readable
from runtime.opening import in_words
from runtime.unopened import handing, of_refusal
from workflows.data.common import JSON

Stack = tuple[str, ...]


class Foreign(Exception):
    """A history of a workflow type that is not deployed here. `process` names it."""

    def __init__(self, process: str) -> None:
        there_is = f"deployed are {', '.join(NAMES)}"
        said = f"is of workflow type {process!r}" if process else "does not say its workflow type"
        super().__init__(f"the history {said}; {there_is}")
        self.process = process


@dataclass
class Turn:
    """One turn of the code: `event` is the id of the event that started its workflow task.

    `jobs` is what it was told, `given` its commands, each with its lines of code, `commands`
    those of them that leave an event, read; `failed` why the turn broke, `stack` where.
    `branches` is what the query of that name answers afterwards (None where the workflow has
    none), `pending` the lines at which it now waits.
    """

    event: int
    at: datetime
    jobs: tuple[str, ...]
    given: list[tuple[WorkflowCommand, Stack]] = field(default_factory=list)
    commands: tuple[Command, ...] = ()
    failed: str = ""
    stack: Stack = ()
    branches: JSON = None
    pending: Stack = ()


@dataclass(frozen=True)
class Replayed:
    """A history and what the code of today makes of it."""

    case: str
    process: str
    events: Events
    recorded: tuple[Command, ...]
    turns: tuple[Turn, ...]
    comparison: Comparison

    @property
    def agrees(self) -> bool:
        """Say whether the code of today takes every recorded decision."""
        return not self.comparison.divergences


async def replay(
    events: Events,
    converter: DataConverter,
    *,
    case: str = "",
    workflows: Sequence[type] = WORKFLOWS,
    look: bool = False,
) -> Replayed:
    """Replay one run. `look` also asks its queries after each turn, and where it waits.

    `case` is the workflow id, for histories that do not say it. Raises Foreign.
    """
    begun = events[0].workflow_execution_started_event_attributes
    names = [workflow._Definition.must_from_class(one).name for one in workflows]
    if begun.workflow_type.name not in names:
        raise Foreign(begun.workflow_type.name)
    tape: list[Turn] = []
    unopened = handing(converter)
    replayer = Replayer(
        workflows=workflows,
        workflow_runner=_Watching(tape, begun.task_queue.name, look=look),
        interceptors=[BraidInterceptor("replay")],
        data_converter=unopened,
        runtime=_quiet(),
        build_id="replay",  # else the SDK reads the code of every module there is
    )
    named = begun.workflow_id or case or "replayed"
    history = WorkflowHistory(named, list(events))
    with _unlogged():
        done = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    _read(tape)
    old = recorded(await readable(events, unopened))
    new = tuple(command for turn in tape for command in turn.commands)
    refused = f"{done.replay_failure}" if done.replay_failure else ""
    last = tape[-1] if tape else None
    if last is not None and last.failed:
        compared = _broken(compare(old, new), old, last)
    else:
        compared = compare(old, new, refused=refused)
    return Replayed(named, begun.workflow_type.name, events, old, tuple(tape), compared)


@cache
def _quiet() -> Runtime:
    """Make the SDK's core, once, without its log."""
    return Runtime(telemetry=TelemetryConfig(logging=None))


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep the SDK from logging what it complains of: that is our result."""
    sdk = logging.getLogger("temporalio.worker")
    before = sdk.level
    sdk.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        sdk.setLevel(before)


def _broken(known: Comparison, old: Sequence[Command], turn: Turn) -> Comparison:
    """Add the turn that broke: what it should have decided, and where it broke instead."""
    here = next((command for command in old if command.task == turn.event), None)
    broke = Divergence(recorded=here, new=None, said=turn.failed, stack=turn.stack, task=turn.event)
    return known.model_copy(update={"divergences": (*known.divergences, broke)})


def _read(tape: Sequence[Turn]) -> None:
    """Read the commands that reach the server: what a task takes back at once never does."""
    reading = Given()
    for event, group in groupby(tape, key=lambda turn: turn.event):
        turns = list(group)
        named = [_named(command) for turn in turns for command, _ in turn.given]
        taken_back = {n for n, ends in named if ends} & {n for n, ends in named if not ends}
        for turn in turns:
            sent = [(c, stack) for c, stack in turn.given if _named(c)[0] not in taken_back]
            read = (reading.command(c, task=event, stack=stack) for c, stack in sent)
            turn.commands = tuple(command for command in read if command is not None)


_CANCELS = {
    "cancel_timer": ("start_timer", "seq"),
    "request_cancel_activity": ("schedule_activity", "seq"),
    "cancel_child_workflow_execution": ("start_child_workflow_execution", "child_workflow_seq"),
}


def _named(command: WorkflowCommand) -> tuple[tuple[str, int], bool]:
    """Say which timer, activity or child a command is about (0 for others), and whether it
    cancels it.
    """
    kind = command.WhichOneof("variant") or ""
    begun, name = _CANCELS.get(kind, (kind, "seq"))
    return (begun, getattr(getattr(command, kind, None), name, 0)), kind in _CANCELS


class _Watching(WorkflowRunner):
    """The worker's own sandbox, with every instance in it watched."""

    def __init__(self, tape: list[Turn], queue: str, *, look: bool) -> None:
        self._inner = runner()
        self._tape, self._queue, self._look = tape, queue, look

    def prepare_workflow(self, defn: Any) -> None:
        """Leave it to the one workflow that is replayed: it is loaded anyhow."""

    def create_instance(self, det: Any) -> WorkflowInstance:
        """Make a watched instance, which believes to be on the queue it was recorded on."""
        told = replace(det, info=replace(det.info, task_queue=self._queue))
        return _Watched(self._inner.create_instance(told), self._tape, look=self._look)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        """Pass on."""
        self._inner.set_worker_level_failure_exception_types(types)


class _Watched(WorkflowInstance):
    """An instance whose turns are kept."""

    def __init__(self, inner: Any, tape: list[Turn], *, look: bool) -> None:
        self._inner, self._tape, self._look = inner, tape, look
        self._stacks: list[Stack] = []
        # The SDK has no hook that sees all commands with the code's stack still there.
        loop = inner.globals_and_locals["__temporal_in_sandbox"].instance
        loop._add_command = self._noting(loop._add_command)

    def _noting(self, add: Callable[[], WorkflowCommand]) -> Callable[[], WorkflowCommand]:
        def noting() -> WorkflowCommand:
            self._stacks.append(frames(sys._getframe(1)))
            return add()

        return noting

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Take a turn, and keep it."""
        self._stacks = []
        completion: WorkflowActivationCompletion = self._inner.activate(act)
        jobs = tuple(job.WhichOneof("variant") or "" for job in act.jobs)
        if "remove_from_cache" not in jobs:
            self._tape.append(self._turn(act, jobs, completion))
        return completion

    def _turn(
        self, act: WorkflowActivation, jobs: Stack, completion: WorkflowActivationCompletion
    ) -> Turn:
        turn = Turn(act.history_length, act.timestamp.ToDatetime(UTC), jobs)
        kept = WorkflowActivationCompletion()  # what follows encodes the payloads in place
        kept.CopyFrom(completion)
        in_words(kept)
        ours = (c for c in kept.successful.commands if not of_refusal(c))
        turn.given = list(zip(ours, self._stacks, strict=False))
        if kept.HasField("failed"):
            turn.failed = kept.failed.failure.message or "the workflow task failed"
            turn.stack = traced(kept.failed.failure.stack_trace)
        elif self._look:
            turn.branches = self._ask(act, "branches")
            turn.pending = traced(str(self._ask(act, "__stack_trace") or ""))
        return turn

    def _ask(self, act: WorkflowActivation, query: str) -> JSON:
        """Ask a query between two turns; it leaves no trace. None where there is none."""
        asking = WorkflowActivation()
        asking.CopyFrom(act)
        del asking.jobs[:]
        job = asking.jobs.add()
        job.query_workflow.query_id, job.query_workflow.query_type = "look", query
        answered = self._inner.activate(asking).successful.commands
        answer = answered[0].respond_to_query.succeeded.response if answered else Payload()
        return json.loads(answer.data) if answer.data else None

    def get_serialization_context(self, command_info: Any) -> Any:
        """Pass on."""
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        """Pass on."""
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Any:
        """Pass on."""
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        """Pass on."""
        found: int | None = self._inner.get_thread_id()
        return found
