"""What the tests of joins share."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import Trail, elapsed
from workflows.calls import COMPANY, Door, ask
from workflows.data.common import JSON, Decision, Record, Verdict
from workflows.data.sources import CompanyAnswer, CompanyQuery, Identifier, Liveness, SourceState
from workflows.errors import JoinFailed, ScopeClosed
from workflows.patterns.clock import CLEAN_UP
from workflows.patterns.desk import Desk
from workflows.patterns.gate import GateSpec, task_gate
from workflows.patterns.outcome import Joined
from workflows.patterns.saga import current_saga

Work = Callable[[], Awaitable[Any]]
BOUND = CLEAN_UP.total_seconds()


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def broken(why: str = "no luck") -> ApplicationError:
    return ApplicationError(why, type="Broken")


async def timed(work: Awaitable[Joined]) -> tuple[Joined, float]:
    """Give the result and the virtual time at which it came."""
    return await work, elapsed()


async def refused(work: Awaitable[Joined]) -> tuple[JoinFailed, float]:
    with pytest.raises(JoinFailed) as caught:
        await work
    return caught.value, elapsed()


def states(error: JoinFailed) -> dict[str, str]:
    """Give the statuses that travel with a failed join."""
    return {name: told["status"] for name, told in error.details[0].items()}


def statuses(joined: Joined) -> str:
    return " ".join(f"{o.name}:{o.status}" for o in joined.branches.values())


def flaky(trail: Trail, name: str, failures: int, took: float = 1) -> Work:
    """Give work that fails so many times before it succeeds."""
    left = [failures]

    async def do() -> str:
        left[0] -= 1
        return await trail.work(name, took, error=broken() if left[0] >= 0 else None)()

    return do


def effect(trail: Trail, name: str, then: Work, *steps: str) -> Work:
    """Give work whose steps (`name` if none) register their undo with the branch's saga."""

    async def do() -> Any:
        saga = current_saga()
        assert saga is not None
        for step in steps or (name,):
            await saga.step(step, trail.work(step, 0), trail.work(f"undo {step}", 1))
        return await then()

    return do


def asking(name: str, *, supplies: type[Record] | None = None, hours: float = 48) -> GateSpec:
    """Give a gate at which Ann says what becomes of a branch."""
    return task_gate(
        name,
        "What becomes of it?",
        {"ann": frozenset()},
        deadline=timedelta(hours=hours),
        remind_every=timedelta(hours=hours),
        supplies=supplies,
    )


async def said(desk: Desk, at: float, gate: str, verdict: Verdict, value: JSON = None) -> None:
    """Let Ann decide at a virtual time."""
    await asyncio.sleep(at)
    desk.take(Decision(verdict=verdict, by="ann", gate=gate, value=value))


QUERY = CompanyQuery(identifier=Identifier(scheme="GB-COH", value="00041424"))


def counted(calls: list[float]) -> Door:
    """Give a door that notes when it was opened."""

    async def door(_call: Any, _request: Record) -> Record:
        calls.append(elapsed())
        return CompanyAnswer(
            source="company_register",
            state=SourceState.NONE,
            liveness=Liveness.SIMULATED,
            retrieved_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    return door


async def greedy(trail: Trail) -> None:
    """Heed no cancellation and go on asking every four seconds, for a while."""
    await trail.stubborn("greedy", 4)()
    for _ in range(10):
        try:
            await ask(COMPANY, QUERY)
        except ScopeClosed:
            trail.note("closed")
        await trail.stubborn("greedy", 4)()
