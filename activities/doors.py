"""Doors: how code that touches the world becomes the activity a Call names."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from temporalio import activity

from workflows.calls import Call, In, Out

Answer: TypeAlias = Callable[[In], Awaitable[Out]]
"""What answers a Call: an async function or a bound method from its input to its output."""


def door(call: Call[In, Out], answer: Answer[In, Out]) -> Callable[..., Awaitable[Any]]:
    """Make `answer` the activity that `call` names, decoding and encoding the Call's records."""

    async def opened(request: In) -> Out:
        return await answer(request)

    # The pydantic converter decodes by annotation, and ours are type variables.
    opened.__annotations__ = {"request": call.input, "return": call.output}
    opened.__doc__ = answer.__doc__
    opened.__name__ = opened.__qualname__ = call.name
    return activity.defn(name=call.name)(opened)
