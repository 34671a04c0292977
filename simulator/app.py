"""The simulator as a web application: every service below its own path prefix, and the control
of faults and limits below `/_simulator`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.config import FAULTS, Signaller, SimulatorConfig
from simulator.faults import FaultBoard
from simulator.limits import LIMITS, Doorkeeper
from simulator.world import World

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def create_app(config: SimulatorConfig, signal: Signaller | None = None) -> Starlette:
    """Build the application. Referees answer only while its lifespan runs, through `signal`.

    Raises ValueError when the state file is not one of ours.
    """
    world = World(config, signal)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        world.post.start()
        try:
            yield
        finally:
            await world.post.stop()

    async def book(_: Request) -> Response:
        return JSONResponse(world.book.shown())

    routes = [
        Route("/_simulator/book", book, methods=["GET"]),
        *_in_force("/_simulator/faults", world.faults, FAULTS),
        *_in_force("/_simulator/limits", world.limits, LIMITS),
        Route("/{service}{rest:path}", world.serve, methods=METHODS),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


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
