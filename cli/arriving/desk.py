"""The desk at which mails arrive over HTTP: `POST /mails`; each mail starts one case, ever."""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from cli import cases
from cli.arriving import mails
from cli.errors import BadInput
from cli.processes import process
from cli.shadows.promoting import as_promoted
from store.database import Store
from store.journal import Journal
from store.promotions import Promotions
from workflows.data.common import Record
from workflows.data.email_triage import IncomingMail, SupportDesk, TriageCase

LARGEST = 5_000_000
"""Bytes of a mail."""
SIGNATURE = "x-braid-signature"
PROCESS = process("email-triage")


class TooLarge(Exception):
    """A body over LARGEST."""


def identity(mail: IncomingMail) -> str:
    """Give the workflow id of a mail's case: a hash, for a Message-ID may name a person."""
    return f"{PROCESS.prefix}-{sha256(mail.message_id.encode()).hexdigest()[:24]}"


def signed(secret: str, body: bytes) -> str:
    """Give the signature of a body, as the header must hold it."""
    return f"sha256={hmac.new(secret.encode(), body, sha256).hexdigest()}"


def create_app(
    client: Client,
    store: Store,
    desk: SupportDesk,
    *,
    sender: str,
    secret: str = "",
    service: str = "",
) -> Starlette:
    """Build the application; with a secret, each body must come with its signature.

    `sender` is the address our own mails are from; `store` is that of the workers, which knows a
    case by its calls long after Temporal forgot it, and by `service` what was promoted.
    """
    begin = _Beginning(client, Journal(store), Promotions(store, service), desk)

    async def receive(request: Request) -> JSONResponse:
        try:
            body = await _body(request)
        except TooLarge:
            return _error(413, f"a mail is at most {LARGEST} bytes")
        given = request.headers.get(SIGNATURE, "")
        if secret and not hmac.compare_digest(given.encode(), signed(secret, body).encode()):
            return _error(401, f"{SIGNATURE} is not the sha256 HMAC of the body under the secret")
        plain = request.headers.get("content-type", "").split(";")[0].strip().lower()
        read = mails.from_json if plain == "application/json" else mails.raw
        try:
            return await begin(read(body, sender))
        except mails.Ignored as why:
            return JSONResponse({"ignored": str(why)})
        except BadInput as wrong:
            return _error(422, str(wrong))

    return Starlette(routes=[Route("/mails", receive, methods=["POST"])])


@dataclass(frozen=True)
class _Beginning:
    """Starts cases of mails."""

    client: Client
    journal: Journal
    promotions: Promotions
    desk: SupportDesk

    async def __call__(self, mail: IncomingMail) -> JSONResponse:
        """Start the mail's case, or name the one it has, be it open, closed or long gone."""
        name = identity(mail)
        if await self.journal.calls(name):
            return JSONResponse({"case": name, "started": False})
        number = name.removeprefix(f"{PROCESS.prefix}-")[:12]
        case = TriageCase(case=f"mail-{number}", mail=mail, desk=self.desk)
        given: Record = case
        entry, how = PROCESS, cases.Start(workflow_id=name)
        if (found := await self.promotions.of(PROCESS.name)) is not None:
            entry, given, how = as_promoted(found, case, how)
        try:
            await cases.start(self.client, entry, given, how)
        except BadInput as refused:
            if isinstance(refused.__cause__, WorkflowAlreadyStartedError):
                return JSONResponse({"case": name, "started": False})
            return _error(503, f"{refused}; deliver it again later")
        return JSONResponse({"case": name, "started": True}, 202)


async def _body(request: Request) -> bytes:
    """Read the body as far as it may go. Raises TooLarge."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise TooLarge
    return bytes(body)


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status)
