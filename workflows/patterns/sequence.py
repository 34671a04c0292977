"""Sequence: calls in order. When a stage fails, a judge chooses what becomes of it.

    customer = Stage("customer", create, timeout=MINUTE, undo=delete)
    account = Stage("account", lambda done: open_for(done[customer]), timeout=MINUTE, undo=close)
    done = await Sequence("onboarding", [customer, account], judge=judge, tries=4).run()

The judge is a pure function of the error and its `Trouble`. A sequence that does not end well,
whatever the reason, undoes what it did.
"""

import asyncio
import inspect
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic_core import to_jsonable_python

from workflows.data.common import Verdict
from workflows.data.sequence import StageDecision, StageState, StageView
from workflows.errors import Misuse, NotInStep, ScopeClosed, StageFailed, Unusable, reason
from workflows.patterns.clock import now, pause
from workflows.patterns.join import Branch, join
from workflows.patterns.saga import Saga, current_saga
from workflows.patterns.stage import NOTHING, Choice, Done, Judge, Nothing, Stage, Trouble
from workflows.patterns.tasks import Tasks
from workflows.patterns.until import all_settled
from workflows.scope import log, told

NEVER_JUDGED = (Misuse, ScopeClosed, NotInStep)
"""Errors of how the process is written, or of a branch given up: trying again mends neither."""


@dataclass(eq=False)
class _Run:
    """How a stage goes. `granted` counts the attempts people added to its tries."""

    stage: Stage[Any]
    state: StageState = StageState.WAITING
    attempts: int = 0
    granted: int = 0
    error: BaseException | None = None
    decided: list[StageDecision] = field(default_factory=list)
    started: datetime | None = None
    ended: datetime | None = None

    def note(
        self, error: BaseException, choice: str, *, after: timedelta = timedelta(0), by: str = ""
    ) -> None:
        """Keep what was decided."""
        why = reason(error)
        decision = StageDecision(
            attempt=self.attempts, at=now(), error=why, choice=choice, after=after, by=by
        )
        self.decided.append(decision)
        log.warning("stage failed", extra=told(stage=self.stage.name, choice=choice))

    def end(self, state: StageState) -> None:
        """Keep how it ended."""
        self.state, self.ended = state, now()


class Sequence:
    """Stages done in order, each within its timeout and at most `tries` times by its judge.

    Effects are registered with the saga around, or one of the sequence's own. `tasks` say whom to
    ask when the judge escalates or an undo fails for good. Raises Misuse when it could not work.
    """

    def __init__(
        self,
        name: str,
        stages: Iterable[Stage[Any]],
        *,
        judge: Judge,
        tries: int,
        tasks: Tasks | None = None,
    ) -> None:
        self.name, self.judge, self.tries, self.tasks = name, judge, tries, tasks
        stages = list(stages)
        self._check(stages)
        self._runs = [_Run(stage) for stage in stages]
        self.done = Done()
        self.saga: Saga | None = None

    async def run(self) -> Done:
        """Do every stage; give their values. Once only.

        Raises StageFailed when a stage failed for good, and Unusable when the judge raised or chose
        what cannot be; both after undoing, with the stage's error as cause.
        """
        if self.saga is not None:
            raise Misuse(f"sequence {self.name!r} was run before; make a new one")
        self.saga = (current_saga() or Saga()).inside(self.name, self.tasks)
        async with self.saga as saga:
            for run in self._runs:
                self.done.put(run.stage, await self._stage(run, saga))
        return self.done

    def views(self) -> tuple[StageView, ...]:
        """Show every stage, in order: what to answer to a query."""
        return tuple(self._view(run) for run in self._runs)

    async def _stage(self, run: _Run, saga: Saga) -> Any:
        """Try and decide until there is a value."""
        run.state, run.started = StageState.RUNNING, now()
        value: Any = NOTHING
        try:
            while isinstance(value, Nothing):
                value = await self._attempt(run, saga)
                if run.error is not None:
                    value = await self._decided(run, run.error, saga)
        except (Exception, asyncio.CancelledError) as error:
            cancelled = isinstance(error, asyncio.CancelledError)
            run.end(StageState.CANCELLED if cancelled else StageState.FAILED)
            raise
        return value

    async def _attempt(self, run: _Run, saga: Saga) -> Any:
        """Do the stage once; a failure that may be judged stays in `run.error`."""
        run.error, stage = None, run.stage
        run.attempts += 1
        undo = None if stage.undo is None else partial(stage.undo, self.done)
        again = run.attempts > 1
        do = partial(self._bounded, run)
        try:
            value = await saga.step(stage.name, do, undo, how=stage.how, again=again)
        except (Exception, asyncio.CancelledError) as error:
            if error is not run.error or isinstance(error, NEVER_JUDGED):
                raise
            return NOTHING
        run.end(StageState.SUCCEEDED)
        return value

    async def _bounded(self, run: _Run) -> Any:
        """Do the work within its timeout, awaiting its end, and raise what it failed with."""
        work = partial(run.stage.work, self.done)
        branch = Branch(run.stage.name, work, timeout=run.stage.timeout)
        outcome = (await join([branch], until=all_settled()))[run.stage.name]
        if outcome.error is not None:
            run.error = outcome.error
            raise outcome.error
        return outcome.value

    async def _decided(self, run: _Run, error: BaseException, saga: Saga) -> Any:
        """Do as judged: give the value that stands in, or NOTHING to try again."""
        choice = self._judged(run, error)
        run.note(error, choice.kind, after=choice.after)
        if choice.kind == "compensate":
            raise self._failed(run) from error
        if choice.kind == "skip":
            return self._skipped(run)
        if choice.kind == "escalate":
            return await self._asked(run, error, saga)
        if choice.after:
            await pause(choice.after, f"{run.stage.name}: retry")
        return NOTHING

    def _judged(self, run: _Run, error: BaseException) -> Choice:
        """Ask the judge; beyond the bound of tries `retry` means `compensate`."""
        stage, left = run.stage, self.tries + run.granted - run.attempts
        elapsed = now() - (run.started or now())
        done = self.done.by_name()
        where = f"the judge of sequence {self.name!r}, at stage {stage.name!r},"
        try:
            choice = self.judge(error, Trouble(stage.name, run.attempts, left, elapsed, done))
        except Exception as wrong:
            raise Unusable(f"{where} raised {reason(wrong)}") from wrong
        if not isinstance(choice, Choice):
            given = type(choice).__name__
            raise Unusable(f"{where} gave {given}, not retry, skip, compensate or escalate")
        if choice.kind == "skip" and not stage.may_skip:
            raise Unusable(f"{where} chose skip; declare the stage's otherwise") from error
        if choice.kind == "escalate" and self.tasks is None:
            raise Unusable(f"{where} chose escalate; give the sequence its tasks") from error
        return Choice("compensate") if choice.kind == "retry" and left < 1 else choice

    async def _asked(self, run: _Run, error: BaseException, saga: Saga) -> Any:
        """Ask a person what becomes of the stage."""
        stage, tasks = run.stage, self.tasks
        assert tasks is not None  # noqa: S101 - judged
        skip = (Verdict.SKIP,) if stage.may_skip else ()
        run.state = StageState.ASKING
        decision = await tasks.ask(
            saga.full_name(stage.name),
            f"Stage {stage.name!r} failed {run.attempts} times ({reason(error)})."
            " What becomes of it?",
            (Verdict.RETRY, *skip),
            stage.supplies,
        )
        run.state = StageState.RUNNING
        if decision is None:
            raise self._failed(run, "; nobody decided in time") from error
        run.note(error, str(decision.verdict), by=decision.by)
        if decision.verdict is Verdict.SKIP:
            return self._skipped(run)
        if decision.verdict is Verdict.SUPPLY and stage.supplies is not None:
            run.end(StageState.SUPPLIED)
            return stage.supplies.model_validate(decision.value)
        run.granted += 1
        return NOTHING

    def _skipped(self, run: _Run) -> Any:
        run.end(StageState.SKIPPED)
        return run.stage.otherwise

    def _failed(self, run: _Run, why: str = "") -> StageFailed:
        error = reason(run.error) if run.error is not None else ""
        return StageFailed(
            f"stage {run.stage.name!r} of sequence {self.name!r} failed in {run.attempts}"
            f" of {self.tries + run.granted} tries: {error}{why}",
            run.stage.name,
        )

    def _view(self, run: _Run) -> StageView:
        value = self.done.by_name().get(run.stage.name)
        return StageView(
            name=run.stage.name,
            state=run.state,
            attempts=run.attempts,
            value=to_jsonable_python(value, fallback=lambda v: type(v).__name__),
            decided=tuple(run.decided),
            started=run.started,
            ended=run.ended,
        )

    def _check(self, stages: list[Stage[Any]]) -> None:
        where = f"sequence {self.name!r}"
        if not self.name.strip():
            raise Misuse("a sequence needs a name; its effects are registered under it")
        if not stages:
            raise Misuse(f"{where} has no stages, so it would do nothing; give it at least one")
        if strange := [s for s in stages if not isinstance(s, Stage)]:
            raise Misuse(f"{where}: {strange[0]!r} is no stage; use Stage(name, work, timeout=...)")
        twice = [name for name, n in Counter(s.name for s in stages).items() if n > 1]
        if twice:
            raise Misuse(f"{where}: stages named twice: {', '.join(twice)}; rename one")
        if self.tries < 1:
            raise Misuse(f"{where}: tries={self.tries} lets nothing run; use 1 or more")
        if not callable(self.judge) or inspect.iscoroutinefunction(self.judge):
            raise Misuse(f"{where}: the judge is a plain function of error and trouble, not async")
