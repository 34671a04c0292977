"""The world of the saga tests: what answers their Call, and a line for all that is done."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from temporalio.exceptions import ApplicationError

from tests.flows import saga
from tests.flows.holding import held
from tests.flows.saga import ACT, Act, Acted
from workflows.calls import Call
from workflows.grades import Step

WORKFLOWS = [saga.Trip]
STEPS: list[Step[Any, Any]] = []


def answers(log: Path) -> dict[Call[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """Do what an act says, and write down when it is done."""

    async def do(act: Act) -> Acted:
        await held(log, act.name)
        if act.broken:
            raise ApplicationError("desk closed", type="Closed", non_retryable=True)
        await asyncio.sleep(act.ms / 1000)
        with log.open("a", encoding="utf-8") as out:
            out.write(f"{act.name}\n")
        return Acted(name=act.name)

    return {ACT: do}
