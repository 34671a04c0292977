"""All services of one simulator, and the way of a request through it: count, fault before
acceptance, limits, service (which bills or performs), then its answer over its latency, as a
fault after acceptance wants it.
"""

from dataclasses import replace
from functools import partial
from math import inf
from time import monotonic

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from simulator.book import Book
from simulator.config import COMPATIBLE, REFUSING, Fault, FaultKind, Signaller, SimulatorConfig
from simulator.connection import cut_off
from simulator.effects import chat, endpoints, smtp
from simulator.effects.accounts import Accounts
from simulator.effects.carrier import Labels
from simulator.effects.keyed import Keyed
from simulator.effects.mail import PostOffice
from simulator.effects.payments import Payments
from simulator.effects.table import Table
from simulator.effects.warehouses import Warehouses
from simulator.exchange import SIMULATED, Asked, Finish, Reply, Service, Stream, page
from simulator.faults import FaultBoard
from simulator.latency import seconds
from simulator.limits import Doorkeeper
from simulator.sending import Delivery
from simulator.sources import (
    companies_house,
    dns,
    edgar,
    gleif,
    news,
    ofac,
    opensanctions,
    vies,
    worldbank,
)
from simulator.sources.rows import Till
from simulator.state import Batched, Cancelled, Performed, StateFile
from simulator.vendors import anthropic, gemini, openai
from simulator.vendors.later import Later
from simulator.vendors.vendor import Models, Vendor
from workflows.data.effects import AccountOrder
from workflows.data.orders import LabelOrder, PaymentOrder, StockOrder
from workflows.data.pipeline import LoadOrder

log = structlog.get_logger()

FINISHES = {FaultKind(finish): finish for finish in Finish if finish is not Finish.NORMAL}


class World:
    """All services of one simulator, with its book, faults, limits and state."""

    def __init__(self, config: SimulatorConfig, signal: Signaller | None) -> None:
        self.config, self.started = config, monotonic()
        self.book, self.faults = Book(), FaultBoard(config.seed, config.faults)
        self.limits, self.models = Doorkeeper(config.limits), Models(config, self.book)
        state = StateFile(config.state)
        self.later = Later(config, self.book, self.faults, state)
        self.post = PostOffice(config, state, self.book, signal)
        performing = {
            "accounts": Keyed(AccountOrder, Accounts(), state, self.book),
            "payments": Keyed(PaymentOrder, Payments(self.book), state, self.book),
            "warehouses": Keyed(StockOrder, Warehouses(self.book), state, self.book),
            "carrier": Keyed(LabelOrder, Labels(self.book), state, self.book),
            "table": Keyed(LoadOrder, Table(self.book), state, self.book),
        }
        vendors = (openai.VENDOR, anthropic.VENDOR, gemini.VENDOR)
        self.services: dict[str, Service] = {
            **{vendor.name: self._model(vendor) for vendor in vendors},
            "companies_house": companies_house.SERVICE,
            "gleif": gleif.SERVICE,
            "opensanctions": opensanctions.SERVICE,
            "ofac": ofac.SERVICE,
            "edgar": edgar.SERVICE,
            "vies": vies.SERVICE,
            "news": news.SERVICE,
            "dns": dns.SERVICE,
            "worldbank": worldbank.SERVICE,
            "rows": Till(config.seed).service,
            **{name: keyed.service for name, keyed in performing.items()},
            "chat": chat.service(self.book),
            "endpoints": endpoints.service(self.book),
        }
        of_kind = {keyed.kind: keyed for keyed in performing.values()}
        for line in state.lines():
            if isinstance(line, Performed):
                of_kind[type(line.order.request)].restore(line.order)
            elif isinstance(line, Batched | Cancelled):
                self.later.restore(line)
            else:
                self.post.restore(line)

    @property
    def mail(self) -> smtp.Desk:
        """What the mail server asks of this world."""

        def come() -> Fault | None:
            self.book.requests["mail"] += 1
            fault = self.faults.take(Asked(service="mail", method="SMTP", path="/messages"), "")
            log.info("connection", service="mail", fault=fault and fault.kind)
            return fault

        return smtp.Desk(
            come=come,
            enter=partial(self._knock, "mail", "", 0),
            leave=partial(self._leave, "mail", "", 0),
            late=lambda it, fault: seconds("mail", self.config.seed, it, self.config.speed, fault),
            take=self.post.take,
        )

    def _model(self, vendor: Vendor) -> Service:
        """Put a vendor to work, with what it answers later."""
        service, solo = self.models.service(vendor), self.models.solo(vendor)
        return self.later.beside(vendor.name, service, solo)

    async def serve(self, request: Request) -> ASGIApp:
        """Answer one request to a service."""
        name = request.path_params["service"]
        service = self._service(name, request.path_params["rest"])
        if service is None:
            return JSONResponse({"error": f"no service {name!r}"}, 404, SIMULATED)
        try:
            asked = await _read(request, name)
        except ClientDisconnect:  # the asker was killed while it asked
            return cut_off
        model = service.model(asked)
        self.book.requests[name] += 1
        fault = self.faults.take(asked, model)
        log.info("request", service=name, method=asked.method, fault=fault and fault.kind)
        if fault and fault.kind is FaultKind.DOWN:
            return cut_off
        if fault and fault.kind in REFUSING:
            return Delivery(_refusal(service, fault))
        return self._accepted(service, asked, model, fault)

    def _service(self, name: str, path: str) -> Service | None:
        """Find a service; any name asked as a compatible vendor is one from then on."""
        if name not in self.services and COMPATIBLE.fullmatch(name) and openai.speaks(path):
            self.services[name] = self._model(openai.compatible(name))
        return self.services.get(name)

    def _accepted(self, service: Service, asked: Asked, model: str, fault: Fault | None) -> ASGIApp:
        """Let a request in or refuse it, answer it, and bill what a model says."""
        if not service.metered and (wait := self._knock(asked.service, model, 0)):
            return Delivery(_limited(service, asked, wait))
        if fault and fault.kind in FINISHES:
            asked = replace(asked, finish=FINISHES[fault.kind])
        reply = service.answer(asked)
        if service.metered and reply.status >= 400:
            return Delivery(reply)
        if reply.bill is not None:
            if wait := self._knock(asked.service, model, reply.bill.tokens):
                return Delivery(_limited(service, asked, wait))
            reply.bill.settle()
        reply = _spoilt(reply, asked, service, fault.kind if fault else None)
        free = service.metered and reply.bill is None  # counts, batches and the like take no time
        speed = inf if free else self.config.speed
        fixed = self.config.fixed.get(model)
        late = seconds(asked.service, self.config.seed, asked.hash, speed, fault, fixed)
        if free:
            return Delivery(reply, late, fault)
        headers = {**reply.headers, **self._announced(service, asked.service, model)}
        leave = partial(self._leave, asked.service, model)
        return Delivery(replace(reply, headers=headers), late, fault, leave)

    def _knock(self, service: str, model: str, tokens: int) -> float:
        """Let a request in and give 0, or give the seconds it should wait."""
        now, traffic = monotonic(), self.book.traffic(service, model)
        if wait := self.limits.enter(service, model, tokens, now):
            traffic.limited += 1
        else:
            traffic.let_in(now - self.started, self.limits.inside[service, model])
        return wait

    def _leave(self, service: str, model: str, bytes_out: int) -> None:
        self.limits.leave(service, model)
        self.book.traffic(service, model).bytes_out += bytes_out

    def _announced(self, service: Service, name: str, model: str) -> dict[str, str]:
        headers: dict[str, str] = {}
        for enforced in self.limits.met(name, model):
            if enforced.limit.announce and enforced.requests:
                headers |= service.announced(enforced.limit, enforced.requests.left(monotonic()))
        return headers


async def _read(request: Request, service: str) -> Asked:
    return Asked(
        service=service,
        method=request.method,
        path=request.path_params["rest"],
        query=dict(request.query_params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )


def _limited(service: Service, asked: Asked, wait: float) -> Reply:
    kind = FaultKind.RATE_LIMITED
    return service.failure(Fault(service=asked.service, kind=kind, retry_after=wait))


def _refusal(service: Service, fault: Fault) -> Reply:
    match fault.kind:
        case FaultKind.HTML:
            return page(fault.status or 502, "Bad Gateway", "The server is temporarily away.")
        case FaultKind.ERROR_UNDER_200:
            return replace(service.failure(fault), status=200)
        case _:
            return service.failure(fault)


def _spoilt(reply: Reply, asked: Asked, service: Service, kind: FaultKind | None) -> Reply:
    """Give what comes instead of an answer that was billed or performed all the same."""
    if kind is FaultKind.NONSENSE:
        return replace(_nonsense(asked, service), bill=reply.bill)
    if kind is FaultKind.ERROR_IN_STREAM and not isinstance(reply.body, Stream):
        overloaded = Fault(service=asked.service, kind=FaultKind.OVERLOADED)
        return replace(service.failure(overloaded), bill=reply.bill)
    return reply


def _nonsense(asked: Asked, service: Service) -> Reply:
    """Give what broken services give under 200: another service's JSON, or a page."""
    if service.metered or asked.service == "gleif":
        return Reply(200, {"result": "OK", "items": [None]})
    return page(200, "Welcome", "This site is being maintained.")
