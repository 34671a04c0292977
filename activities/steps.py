"""Fused steps: one activity runs a whole step, its Calls journalled and read back after a crash."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache, partial
from hashlib import sha256
from math import inf
from typing import Any, NoReturn

from pydantic import ValidationError
from temporalio import activity
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

from activities.doors import Answer
from activities.failures import final, pause
from runtime.context import CallContext, call_context, within_call
from store.answers import AnswerBook, KeptAnswer
from store.database import Store
from store.flights import Flights
from store.journal import call_key
from workflows.calls import FIRST_PAUSE, Call, open_door
from workflows.data.common import JSON, Record
from workflows.data.llm import ModelAnswer
from workflows.data.steps import StepOrder, StepProgress, StepResult, StepSpent
from workflows.errors import NotInStep, asked_of_sdk, call_failed, not_yet, sent_out
from workflows.grades import Step
from workflows.scope import Scope, current_scope, enter_scope

TELL_EVERY = 0.5
"""Seconds between two tellings of progress."""
CONTEXTS = 1000
"""Contexts of Calls a step remembers: a branch makes many, and making one takes a while."""

Doors = Mapping[str, Answer[Any, Any]]
"""What answers the Call of a name."""


class StepActivities:
    """Runs the registered steps. `doors` answer the Calls inside, as they would on their own."""

    def __init__(self, store: Store, steps: Sequence[Step[Any, Any]], doors: Doors) -> None:
        self._steps = {s.name: s for s in steps}
        self._book = AnswerBook(store)
        self._flights = Flights()
        self._doors = doors

    async def run_step(self, order: StepOrder) -> StepResult:
        """Run a step; what earlier attempts were answered is read back, not asked again."""
        return await self.once(self.found(order.step, order.version), order.given)

    def found(self, name: str, version: int) -> Step[Any, Any]:
        """Find a step. Raises UnknownStep."""
        step = self._steps.get(name)
        if step is None or step.version != version:
            known = ", ".join(f"{s.name} v{s.version}" for s in self._steps.values()) or "none"
            raise final(
                "UnknownStep",
                f"this worker has no step {name!r} v{version}, only {known};"
                " add it to STEPS in worker.py, or let a worker of the same version serve",
            )
        return step

    async def once(
        self, step: Step[Any, Any], given: Mapping[str, JSON], *, item: str = ""
    ) -> StepResult:
        """Run a step in the context of this task; for one `item` of many, who tell for it."""
        try:
            request = step.input.model_validate(given)
        except ValidationError as error:
            raise final("InvalidInput", f"step {step.name!r}: {error}") from error
        return await _Run(step, self._book, self._flights, self._doors, item).run(request)


class _Run:
    """One attempt at a step."""

    def __init__(
        self, step: Step[Any, Any], book: AnswerBook, flights: Flights, doors: Doors, item: str
    ) -> None:
        self.step, self.book, self.flights, self.doors = step, book, flights, doors
        self.context = call_context()
        self.inside = lru_cache(CONTEXTS)(partial(_inside, self.context))
        info = activity.info()
        self.activity = f"{info.workflow_run_id}/{info.activity_id}" + (f"/{item}" if item else "")
        self.failures = self.context.attempt > 1
        """Whether this activity may have kept failures: only then are they looked for."""
        self.answered = self.read_back = 0
        self.running: dict[object, str] = {}
        self.told = inf if item else 0.0
        self.spent: StepSpent | None = None
        self.counted: set[str] = set()
        self.refused: NotInStep | None = None
        self.task: asyncio.Task[Record] | None = None
        self.turn = asyncio.Lock() if self.context.one_at_a_time else nullcontext()

    async def run(self, request: Record) -> StepResult:
        self.task = asyncio.create_task(self._work(request))
        try:
            value: Record = await self.task
        except (Exception, asyncio.CancelledError) as error:
            self._raise(error)
        return StepResult(value=value.model_dump(mode="json"), spent=self.spent)

    async def _work(self, request: Record) -> Record:
        scope = Scope(self.context.branch)
        enter_scope(scope)
        try:
            with open_door(self.door, refuse=self.refuse):
                result = await self.step.work(request)
        finally:
            scope.closed = True  # what a step leaves running may call nothing more
        if not isinstance(result, self.step.output):
            wanted = self.step.output.__name__
            raise final("WrongOutput", f"step {self.step.name!r} gave {result!r}, not a {wanted}")
        given: Record = result
        return given

    def _raise(self, error: BaseException) -> NoReturn:
        """Let the step's error out so that it is raised again in the workflow, never retried."""
        if self.refused is not None:
            raise sent_out(self.refused) from error
        if what := asked_of_sdk(error):
            raise sent_out(NotInStep(f"{what} {self._reached()}")) from error
        if isinstance(error, FailureError):
            raise sent_out(error) from error
        raise error  # a bug is tried again, as a workflow would be: better code may come

    def refuse(self, what: str) -> NotInStep:
        """End the step at once: something in it needs a workflow, whatever a branch tolerates."""
        if self.refused is None and self.task is not None:
            self.refused = NotInStep(f"{what} {self._reached()}")
            self.task.cancel()
        return self.refused or NotInStep(f"{what} {self._reached()}")

    def _reached(self) -> str:
        return f"is reached inside the fused step {self.step.name!r}; run it in the visible grade"

    async def door(self, call: Call[Any, Any], request: Record) -> Record:
        """Answer a Call: from the book, or by asking and keeping what came."""
        if call.name not in self.doors:
            raise final("UnknownCall", f"nothing answers the call {call.name!r} in a fused step")
        if call.fresh:
            return await self._attempts(call, request)
        sent = request.model_dump(mode="json")
        key = call_key(self.context.scope, call.name, call.version, sent, 0)
        under_way = object()
        self.running[under_way] = f"{current_scope().name} {call.name}".strip()
        try:
            async with self.flights.alone(key):
                kept = found = await self._found(key)
                if kept is None:
                    kept = await self._asked(call, request, key)
                    self.answered += 1
                else:
                    self.read_back += 1
        finally:
            del self.running[under_way]
        self._tell()
        if kept.error:
            raise call_failed(call.name, _read_failure(kept.error))
        output: type[Record] = call.output
        answer = output.model_validate_json(kept.value)
        self._count(key, answer, read_back=found is not None)
        return answer

    def _count(self, key: str, answer: Record, *, read_back: bool) -> None:
        """Add up what a model took. What a first attempt reads back, another step had asked."""
        if not isinstance(answer, ModelAnswer) or key in self.counted:
            return
        self.counted.add(key)
        spent = self.spent = self.spent or StepSpent()
        if answer.cached or (read_back and self.context.attempt == 1):
            return
        self.spent = StepSpent(
            usd=spent.usd + answer.usd,
            input_tokens=spent.input_tokens + answer.usage.input_tokens,
            output_tokens=spent.output_tokens + answer.usage.output_tokens,
        )

    async def _found(self, key: str) -> KeptAnswer | None:
        kept = await self.book.read(key)
        if kept is None and self.failures:
            return await self.book.read(self._failure(key))
        return kept

    def _failure(self, key: str) -> str:
        """A failure for good counts for this activity only: later, the call may succeed."""
        return sha256(f"{key} {self.activity}".encode()).hexdigest()

    async def _asked(self, call: Call[Any, Any], request: Record, key: str) -> KeptAnswer:
        value = error = ""
        try:
            value = (await self._attempts(call, request)).model_dump_json()
        except ActivityError as failed:
            if not_yet(failed) is not None:
                raise  # nothing to keep: `patient` asks again
            key, error, self.failures = self._failure(key), _written_failure(failed), True
        ids = (self.context.scope, current_scope().name, call.name, self.context.worker)
        kept = KeptAnswer(key, *ids, value, error)
        # What was answered is kept even if the step is given up at this very moment.
        await self.book.keep(kept)
        return kept

    async def _attempts(self, call: Call[Any, Any], request: Record) -> Record:
        """Try in turn as often as the Call allows, pausing as the server would."""
        async with self.turn:
            return await self._tried(call, request)

    async def _tried(self, call: Call[Any, Any], request: Record) -> Record:
        attempt = 0
        while True:
            attempt += 1
            context = self.inside(current_scope().name, call.name, attempt)
            try:
                return await self._once(call, request, context)
            except Exception as error:
                cause = _as_application(error)
                last = attempt >= call.attempts or not_yet(cause) is not None
                if cause.non_retryable or last:
                    raise call_failed(call.name, cause) from cause
                wait = cause.next_retry_delay or pause(attempt, FIRST_PAUSE)
                await asyncio.sleep(wait.total_seconds())

    async def _once(self, call: Call[Any, Any], request: Record, context: CallContext) -> Record:
        with within_call(context):
            async with asyncio.timeout(call.timeout.total_seconds()):
                answer: Record = await self.doors[call.name](request)
                return answer

    def _tell(self) -> None:
        """Let heartbeats carry the progress, so that people see it while the step runs."""
        now = asyncio.get_running_loop().time()
        if now - self.told >= TELL_EVERY:
            self.told = now
            activity.heartbeat(
                StepProgress(
                    step=self.step.name,
                    answered=self.answered,
                    read_back=self.read_back,
                    running=tuple(self.running.values()),
                )
            )


def _inside(context: CallContext, branch: str, call: str, attempt: int) -> CallContext:
    return replace(context, branch=branch, call=call, attempt=attempt, beat=None)


def _as_application(error: Exception) -> ApplicationError:
    if isinstance(error, ApplicationError):
        return error
    return ApplicationError(str(error), type=type(error).__name__)


def _written_failure(error: ActivityError) -> str:
    cause = error.cause
    assert isinstance(cause, ApplicationError)  # noqa: S101 - made by _attempts
    return json.dumps([cause.type, cause.message, list(cause.details)], default=str)


def _read_failure(text: str) -> ApplicationError:
    kind, message, details = json.loads(text)
    return ApplicationError(message, *details, type=kind, non_retryable=True)
