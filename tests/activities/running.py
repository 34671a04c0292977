"""Run a door as an activity, as attempt `attempt` of the case `scope`."""

from dataclasses import replace

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.doors import Answer, door
from workflows.calls import Call, In, Out

SCOPE = "dd-example-1"


async def run(
    call: Call[In, Out],
    answer: Answer[In, Out],
    request: In,
    *,
    attempt: int = 1,
    scope: str = SCOPE,
) -> Out:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, workflow_id=scope, attempt=attempt)
    outcome: Out = await environment.run(door(call, answer), request)
    return outcome


async def fails(
    call: Call[In, Out], answer: Answer[In, Out], request: In, *, attempt: int = 1
) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await run(call, answer, request, attempt=attempt)
    return caught.value
