"""The simulator as a web application: every service below its own path prefix.

A request goes through: count, fault before acceptance, service (which bills or performs),
latency, fault after acceptance.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import structlog
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulator.book import Book
from simulator.config import FAULTS, VENDORS, Fault, FaultKind, Signaller, SimulatorConfig
from simulator.connection import CutOff
from simulator.effects import chat
from simulator.effects.accounts import Accounts
from simulator.effects.mail import PostOffice
from simulator.exchange import SIMULATED, Asked, Finish, Reply, Service, page
from simulator.faults import FaultBoard
from simulator.latency import seconds
from simulator.sources import companies_house, edgar, gleif, ofac, opensanctions
from simulator.state import Batched, Cancelled, Performed, StateFile
from simulator.vendors import anthropic, gemini, openai, vendor
from simulator.vendors.later import Later, is_later

log = structlog.get_logger()

REFUSING = (FaultKind.ERROR, FaultKind.OVERLOADED, FaultKind.RATE_LIMITED, FaultKind.QUOTA)
FINISHES = {FaultKind.REFUSAL: Finish.REFUSAL, FaultKind.TRUNCATED: Finish.TRUNCATED}
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


class World:
    """All services of one simulator, with its book, faults and state."""

    def __init__(self, config: SimulatorConfig, signal: Signaller | None) -> None:
        self.config = config
        self.book, self.faults = Book(), FaultBoard(config.faults)
        state = StateFile(config.state)
        self.later = Later(config, self.book, self.faults, state)
        self.post = PostOffice(config, state, self.book, signal)
        accounts = Accounts(state, self.book)
        vendors = (openai.VENDOR, anthropic.VENDOR, gemini.VENDOR)
        self.services: dict[str, Service] = {
            **{v.name: self._model(v) for v in vendors},
            "companies_house": companies_house.SERVICE,
            "gleif": gleif.SERVICE,
            "opensanctions": opensanctions.SERVICE,
            "ofac": ofac.SERVICE,
            "edgar": edgar.SERVICE,
            "accounts": accounts.service,
            "mail": self.post.service,
            "chat": chat.service(self.book),
        }
        for line in state.lines():
            if isinstance(line, Performed):
                accounts.restore(line.order)
            elif isinstance(line, Batched | Cancelled):
                self.later.restore(line)
            else:
                self.post.restore(line)

    def _model(self, of: vendor.Vendor) -> Service:
        """Put a vendor to work, with what it answers later."""
        service = vendor.service(of, self.config, self.book)
        return self.later.beside(of.name, service, vendor.solo(of, self.config))

    async def serve(self, request: Request) -> Response:
        """Answer one request to a service."""
        name = request.path_params["service"]
        service = self.services.get(name)
        if service is None:
            return JSONResponse({"error": f"no service {name!r}"}, 404, SIMULATED)
        asked = await _read(request, name)
        self.book.requests[name] += 1
        fault = self.faults.take(name, asked.path)
        kind = fault.kind if fault else None
        log.info("request", service=name, method=asked.method, fault=kind)
        if kind is FaultKind.DOWN:
            return CutOff()
        if fault and kind in REFUSING:
            return _response(service.failure(fault))
        return await self._accepted(service, asked, fault)

    async def _accepted(self, service: Service, asked: Asked, fault: Fault | None) -> Response:
        reply = service.answer(_ending(asked, fault))
        if reply.status < 400 or asked.service not in VENDORS:  # models refuse at once
            speed = inf if is_later(asked) else self.config.speed  # and take what can wait
            await asyncio.sleep(seconds(asked.service, self.config.seed, asked.hash, speed, fault))
        if fault and fault.kind is FaultKind.DROP:
            return CutOff()
        if fault and fault.kind is FaultKind.NONSENSE:
            return _response(_nonsense(asked))
        return _response(reply)

    async def show_book(self, _: Request) -> Response:
        """Show what was asked, billed and done."""
        return JSONResponse(self.book.shown())

    async def show_faults(self, _: Request) -> Response:
        """Show the faults in force."""
        return JSONResponse(self.faults.shown())

    async def put_faults(self, request: Request) -> Response:
        """Replace the faults by the list in the body."""
        try:
            self.faults.put(FAULTS.validate_json(await request.body()))
        except ValidationError as wrong:
            return JSONResponse({"error": str(wrong)}, 422)
        return JSONResponse(self.faults.shown())


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

    routes = [
        Route("/_simulator/book", world.show_book, methods=["GET"]),
        Route("/_simulator/faults", world.show_faults, methods=["GET"]),
        Route("/_simulator/faults", world.put_faults, methods=["PUT"]),
        Route("/{service}{rest:path}", world.serve, methods=METHODS),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _read(request: Request, service: str) -> Asked:
    return Asked(
        service=service,
        method=request.method,
        path=request.path_params["rest"],
        query=dict(request.query_params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )


def _ending(asked: Asked, fault: Fault | None) -> Asked:
    if fault is None or fault.kind not in FINISHES:
        return asked
    return Asked(**{**vars(asked), "finish": FINISHES[fault.kind]})


def _nonsense(asked: Asked) -> Reply:
    """Give what broken services give under 200: another service's JSON, or a page."""
    if asked.service in ("openai", "anthropic", "gemini", "gleif"):
        return Reply(200, {"result": "OK", "items": [None]})
    return page(200, "Welcome", "This site is being maintained.")


def _response(reply: Reply) -> Response:
    headers = {**SIMULATED, **reply.headers}
    return Response(reply.encoded(), reply.status, headers, reply.media_type)
