"""The desk at which mails arrive over HTTP: `POST /mails`; each mail starts one case, ever."""

import hmac
from hashlib import sha256

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from temporalio.client import Client

from cli.arriving import mails
from cli.arriving.beginning import Beginning
from cli.arriving.bodies import by_a_page, refused
from cli.cases import Start
from cli.errors import BadInput
from cli.processes import process
from runtime.bodies import NotTaken, body
from store.database import Store
from workflows.data.email_triage import IncomingMail, SupportDesk, TriageCase

LARGEST = 5_000_000
"""Bytes of a mail."""
SIGNATURE = "x-braid-signature"
PROCESS = process("email-triage")


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
    begin = Beginning(client, store, service)

    async def receive(request: Request) -> JSONResponse:
        if not secret and by_a_page(request):
            return refused(403, "web pages may not send where no secret signs: give --secret-env")
        try:
            content = await body(request, LARGEST)
        except NotTaken as wrong:
            return refused(wrong.status, str(wrong))
        given = request.headers.get(SIGNATURE, "")
        if secret and not hmac.compare_digest(given.encode(), signed(secret, content).encode()):
            return refused(401, f"{SIGNATURE} is not the sha256 HMAC of the body under the secret")
        plain = request.headers.get("content-type", "").split(";")[0].strip().lower()
        read = mails.from_json if plain == "application/json" else mails.raw
        try:
            mail = read(content, sender)
            name = identity(mail)
            number = name.removeprefix(f"{PROCESS.prefix}-")[:12]
            case = TriageCase(case=f"mail-{number}", mail=mail, desk=desk)
            return await begin(PROCESS, case, Start(name))
        except mails.Ignored as why:
            return JSONResponse({"ignored": str(why)})
        except BadInput as wrong:
            return refused(422, str(wrong))

    return Starlette(routes=[Route("/mails", receive, methods=["POST"])])
