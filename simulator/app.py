"""The simulator as a web application: every service below its own path prefix, and below
`/_simulator` its book, the control of faults and limits, and labelled answers.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.brain.labels import labelled
from simulator.config import FAULTS, Signaller, SimulatorConfig
from simulator.connection import LOOPBACK, listen
from simulator.effects import smtp
from simulator.faults import FaultBoard
from simulator.limits import LIMITS, Doorkeeper
from simulator.world import World
from workflows.data.common import Record

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def create_app(
    config: SimulatorConfig,
    signal: Signaller | None = None,
    smtp_port: int = 0,
    host: str = LOOPBACK,
) -> Starlette:
    """Build the application. While its lifespan runs, referees answer through `signal`, and mail
    is taken by SMTP at the URL `state.smtp`; port 0 is a free one.

    Raises ValueError when the state file is not one of ours.
    """
    world = World(config, signal)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        world.post.start()
        try:
            with listen(smtp_port, host) as bound:
                app.state.smtp = f"smtp://{host}:{bound.getsockname()[1]}"
                async with smtp.serving(world.mail, bound):
                    yield
        finally:
            await world.post.stop()

    async def book(_: Request) -> Response:
        return JSONResponse(world.book.shown())

    routes = [
        Route("/_simulator/labelled", _labelled, methods=["GET"]),
        Route("/_simulator/book", book, methods=["GET"]),
        *_in_force("/_simulator/faults", world.faults, FAULTS),
        *_in_force("/_simulator/limits", world.limits, LIMITS),
        Route("/{service}{rest:path}", world.serve, methods=METHODS),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


class _Bank(Record):
    """Which labelled answers are wanted: how many, of which model, in the bank of which seed."""

    n: Annotated[int, Field(ge=1, le=10_000)] = 500
    model: str = "some-model"
    seed: int = 7


async def _labelled(request: Request) -> Response:
    """Give labelled answers as JSON lines."""
    try:
        asked = _Bank.model_validate_strings(dict(request.query_params))
    except ValidationError as wrong:
        return JSONResponse({"error": str(wrong)}, 422)
    lines = (json.dumps(asdict(line)) for line in labelled(asked.seed, asked.n, asked.model))
    return Response("".join(f"{line}\n" for line in lines), media_type="application/jsonl")


def _in_force(path: str, board: FaultBoard | Doorkeeper, kind: TypeAdapter[Any]) -> list[Route]:
    """Make the routes that show what is in force and replace it by the list in the body."""

    async def show(_: Request) -> Response:
        return JSONResponse(board.shown())

    async def put(request: Request) -> Response:
        try:
            board.put(kind.validate_json(await request.body()))
        except ValidationError as wrong:
            return JSONResponse({"error": str(wrong)}, 422)
        return JSONResponse(board.shown())

    return [Route(path, show, methods=["GET"]), Route(path, put, methods=["PUT"])]
