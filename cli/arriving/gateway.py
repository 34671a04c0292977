"""The gateway: services that have none of our code start cases, ask them and answer them, in JSON.

It holds the key of the payloads, so that they need none; each request is signed in.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

import structlog
from pydantic import FiniteFloat, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from cli import cases, schemas
from cli.arriving.beginning import Beginning
from cli.arriving.bodies import NoJson, as_json, by_a_page, no_route, refused
from cli.arriving.callers import EVERYBODY, NOBODY, Right, SignIn
from cli.errors import BadInput, NoAnswer, NotCounted, Trouble
from cli.inputs import causes_of
from cli.processes import process
from cli.standing import standing
from runtime.bodies import NotTaken, body
from runtime.tokens import NotSignedIn
from store.attempts import Attempts
from store.errors import StoreError
from workflows.data.announce import ANNOUNCE
from workflows.data.common import Decision, Record
from workflows.data.memo import misfit

LARGEST = 1_000_000
"""Bytes of a body."""
LONGEST_WAIT = 60.0
"""Seconds a request for a result may wait."""
_METHOD = {Right.START: "POST", Right.READ: "GET", Right.SEND: "POST"}
_STATUS = {RPCStatusCode.NOT_FOUND: 404, RPCStatusCode.INVALID_ARGUMENT: 422}
"""What an error of the Temporal service is to the caller; any other says that it is away."""
_FINITE = TypeAdapter(FiniteFloat)
Accepted = Mapping[str, str]
"""Types of CloudEvents, and the process a case of which each starts."""
Handler = Callable[[Request], Awaitable[JSONResponse]]

log = structlog.get_logger(__name__)


class Gateway:
    """What the routes do, over one client. Refused decisions are kept in `attempts`."""

    def __init__(
        self, client: Client, begin: Beginning, accepted: Accepted, attempts: Attempts
    ) -> None:
        self._client, self._begin, self._accepted = client, begin, accepted
        self._attempts = attempts

    async def start(self, request: Request) -> JSONResponse:
        """Start a case; with the header Idempotency-Key, once for each key. `?announce=ENDPOINT`
        has that endpoint told what happens to it, here and for an event.
        """
        name = request.path_params["process"]
        key = request.headers.get("idempotency-key", "")
        once = _identity(name, "key", key) if key else None
        return await self._start(request, name, as_json(await body(request, LARGEST)), once)

    async def event(self, request: Request) -> JSONResponse:
        """Start the case an event is for, once for each source and id."""
        content = as_json(await body(request, LARGEST))
        event = content if isinstance(content, dict) else {}
        for field in ("specversion", "id", "source", "type"):
            if not isinstance(event.get(field), str) or not event[field]:
                return refused(422, f"{field}: missing; send a CloudEvent 1.0 in structured JSON")
        name = self._accepted.get(event["type"])
        if name is None:
            known = ", ".join(sorted(self._accepted)) or "none"
            return refused(422, f"type: {event['type']!r} starts nothing; accepted: {known}")
        once = _identity(name, event["source"], event["id"])
        return await self._start(request, name, event.get("data"), once)

    async def status(self, request: Request) -> JSONResponse:
        """Say how a case stands: everything its queries say."""
        handle = await self._handle(request)
        return _json((await standing(handle, await cases.entry_of(handle))).plain())

    async def query(self, request: Request) -> JSONResponse:
        """Ask a case one query; `?input=JSON` gives its argument."""
        handle = await self._handle(request)
        name = request.path_params["name"]
        shape = await self._takes(handle, "queries", name)
        given = [_fit(shape, as_json(request.query_params.get("input", "").encode()))]
        args = given if shape is not None and "input" in request.query_params else []
        try:
            return _json(await handle.query(name, args=args, rpc_timeout=cases.PATIENCE))
        except RPCError as error:
            if error.status not in cases.UNANSWERED:
                raise
            raise cases.no_answer(handle, error) from error

    async def signal(self, request: Request) -> JSONResponse:
        """Send a signal. Whether it made sense to the case, its query `refusals` says."""
        handle = await self._handle(request)
        name = request.path_params["name"]
        shape = await self._takes(handle, "signals", name)
        given = as_json(await body(request, LARGEST))
        await handle.signal(name, args=[] if shape is None else [_fit(shape, given)])
        return JSONResponse({"case": handle.id, "sent": name}, 202)

    async def update(self, request: Request) -> JSONResponse:
        """Send an update and give its answer; a decision is one."""
        handle = await self._handle(request)
        name = request.path_params["name"]
        shape = await self._takes(handle, "updates", name)
        given = _fit(shape, as_json(await body(request, LARGEST)))
        try:
            return _json(await cases.update(handle, name, given))
        except NotCounted as no:
            if isinstance(given, Decision):
                why = f"{no} (sent by {request.state.caller.name})"
                await self._attempts.refused(handle.id, given, why)
            raise

    async def result(self, request: Request) -> JSONResponse:
        """Give what a case ended with, after `?wait=SECONDS` at most; 202 while it runs."""
        handle = await self._handle(request)
        try:
            wait = _FINITE.validate_python(request.query_params.get("wait", "0"))
        except ValidationError:
            return refused(422, "wait: write seconds, as 20")
        if why := await cases.broken_off(handle):
            return JSONResponse({"case": handle.id, "state": why}, 409)
        try:
            patience = min(max(wait, 0.2), LONGEST_WAIT)
            found = await asyncio.wait_for(cases.result(handle, object), patience)
        except TimeoutError:
            return JSONResponse({"case": handle.id, "state": "running"}, 202)
        return _json({"case": handle.id, "state": "completed", "result": found})

    async def schema(self, request: Request) -> JSONResponse:
        """Give the schemas of a process."""
        name = request.path_params["name"]
        if name not in schemas.names():
            return refused(404, f"there is no {name!r}; there is {', '.join(schemas.names())}")
        return JSONResponse(schemas.schema_of(name))

    async def _start(
        self, request: Request, name: str, given: Any, once: str | None
    ) -> JSONResponse:
        try:
            entry = process(name)
        except BadInput as unknown:
            return refused(404, str(unknown))
        told = request.query_params.get("announce", "")
        if why := misfit(ANNOUNCE, told):
            return refused(422, f"announce: {why}")
        how = cases.Start(once, announce=told, started_by=request.state.caller.name)
        return await self._begin(entry, _fit(entry.record, given), how)

    async def _handle(self, request: Request) -> WorkflowHandle[Any, Any]:
        return self._client.get_workflow_handle(request.path_params["case"])

    async def _takes(self, handle: WorkflowHandle[Any, Any], kind: str, name: str) -> Any:
        """Give what a message of a case takes; None if nothing. Raises Unknown."""
        entry = await cases.entry_of(handle)
        known = schemas.takes(entry.name, kind)
        if name not in known:
            raise Unknown(f"{entry.name} has no {name!r}; it has {', '.join(sorted(known))}")
        return known[name]


class Unknown(Exception):
    """There is nothing of that name."""


class Misfit(Exception):
    """A body that does not fit its record, with every place."""


def _fit(shape: Any, given: Any) -> Any:
    """Check a value against its record. Raises Misfit."""
    if shape is None or shape is Any:
        return given
    try:
        return TypeAdapter(shape).validate_python(given)
    except ValidationError as error:
        whole = "body" if not (isinstance(shape, type) and issubclass(shape, Record)) else "input"
        told = [f"{'.'.join(map(str, loc))}: {said}" for loc, said in causes_of(error, whole)]
        raise Misfit("; ".join(told)) from None


def _identity(name: str, *parts: str) -> str:
    """Give the id of a case that is started once: a hash, for an event's id may name a person."""
    return f"{name}-{sha256(chr(0).join(parts).encode()).hexdigest()[:24]}"


def _json(value: Any) -> JSONResponse:
    return JSONResponse(to_jsonable_python(value))


def create_app(gateway: Gateway, sign_in: SignIn | None) -> Starlette:
    """Build the application; without `sign_in` whoever reaches it may use it."""
    g = gateway
    routes = [
        (Right.START, "/events", g.event),
        (Right.START, "/processes/{process}", g.start),
        (Right.READ, "/schemas/{name}", g.schema),
        (Right.READ, "/cases/{case}", g.status),
        (Right.READ, "/cases/{case}/result", g.result),
        (Right.READ, "/cases/{case}/queries/{name}", g.query),
        (Right.SEND, "/cases/{case}/signals/{name}", g.signal),
        (Right.SEND, "/cases/{case}/updates/{name}", g.update),
    ]
    return Starlette(
        routes=[
            Route(path, partial(_logged, path, right, answer, sign_in), methods=[_METHOD[right]])
            for right, path, answer in routes
        ],
        exception_handlers={HTTPException: no_route},
    )


async def _logged(
    path: str, right: Right, answer: Handler, sign_in: SignIn | None, request: Request
) -> JSONResponse:
    """Answer one request and log who asked; its ids only where they are no invention."""
    request.state.caller = NOBODY
    answered = await _let_in(right, answer, sign_in, request)
    ids = request.path_params if answered.status_code < 400 else {}
    by = request.state.caller.name
    log.info("request", route=path, by=by, status=answered.status_code, **ids)
    return answered


async def _let_in(
    right: Right, answer: Handler, sign_in: SignIn | None, request: Request
) -> JSONResponse:
    """Answer one request of somebody signed in who may."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if sign_in is None and by_a_page(request):
        return refused(403, "web pages may not ask a gateway without sign-in: give it a key ring")
    try:
        given = token.strip() if kind.lower() == "bearer" else ""
        caller = EVERYBODY if sign_in is None else await sign_in(given)
    except NotSignedIn as unknown:
        return refused(401, str(unknown))
    except StoreError as away:
        return refused(503, str(away))
    request.state.caller = caller
    if right is Right.SEND and request.path_params["name"] == "decide":
        right = Right.DECIDE
    if right not in caller.rights:
        may = ", ".join(sorted(caller.rights)) or "nothing"
        return refused(403, f"{caller.name} may not {right}; the token gives: {may}")
    return await _answered(answer, request)


async def _answered(answer: Handler, request: Request) -> JSONResponse:
    """Answer one request, every error in one line."""
    try:
        return await answer(request)
    except NotTaken as wrong:
        return refused(wrong.status, str(wrong))
    except (NoJson, Misfit) as wrong:
        return refused(422, str(wrong))
    except (Unknown, BadInput) as unknown:
        return refused(404, str(unknown))
    except (NoAnswer, StoreError) as away:
        return refused(503, str(away))
    except (Trouble, WorkflowQueryFailedError) as trouble:
        return refused(409, str(trouble))
    except RPCError as error:
        status = _STATUS.get(error.status, 503)
        return refused(status, f"{request.path_params.get('case', '')}: {error.message}")
