"""The world of the step tests: what answers their Calls, and a line for everything done."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from temporalio.exceptions import ApplicationError

from runtime.context import call_context
from tests.flows import steps
from tests.flows.holding import held
from tests.flows.steps import EFFECT, UNDO, WORK, Done, Order
from workflows.calls import Call

WORKFLOWS = [steps.Stepper, steps.Mixed]
STEPS = steps.STEPS


SLOW = 1000
"""Milliseconds from which the beginning of an order is written down too."""


def answers(log: Path) -> dict[Call[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """Do what an order says, and write down when it is done."""

    async def do(order: Order) -> Done:
        attempt = call_context().attempt
        if order.ms > SLOW:
            written("begun", order.name)
        await held(log, order.name)
        await asyncio.sleep(order.ms / 1000)
        if attempt <= order.fails:
            written("failed", order.name)
            raise ApplicationError(f"{order.name} broke", type="Broke", non_retryable=order.final)
        written("done", order.name)
        return Done(name=order.name.upper())

    def written(what: str, name: str) -> None:
        with log.open("a", encoding="utf-8") as out:
            here = call_context()
            out.write(f"{what} {name} {here.branch} {here.scope}\n")

    return {WORK: do, UNDO: do, EFFECT: do}
