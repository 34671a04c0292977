"""The codec endpoint: the Temporal UI shows in clear what was encrypted or went by reference.

It speaks the codec server protocol (POST /decode, /encode and /download, `{"payloads": [...]}`)
and answers pages of allowed origins only. With keys it wants a sign-in: a token in the header
`Authorization: Bearer ...`, or in the cookie its page `/sign-in` sets.
"""

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qs

import structlog
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload, Payloads

from runtime.bodies import body
from runtime.documents import BlobDriver, Opened, resolved
from runtime.encryption import Encryption
from runtime.keys import KeyRing, MissingKey
from runtime.tokens import Caller, NotSignedIn, signed_in, still_let_in
from store.errors import StoreError
from store.revocations import Revocations

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of a request: four messages of Temporal's largest size."""
MOST_OF_A_TOKEN = 8 * 1024
"""Bytes of a sign-in, which anybody may send."""
COOKIE = "braid-codec"

_PAGE = """<!doctype html><title>Braid: sign in</title>
<form method="post"><p>{said}</p><label>Token of <code>starter.py codec token</code>
<input name="token" type="password" autofocus required></label> <button>Sign in</button></form>"""

log = structlog.get_logger(__name__)
_Answer = Callable[[Request], Awaitable[Response]]


def pages(ui: str) -> tuple[str, ...]:
    """Give the origins of a UI on loopback: both names of this machine."""
    return ui, ui.replace("127.0.0.1", "localhost")


def create_app(opened: Opened, pages: Sequence[str], codec: Encryption) -> Starlette:
    """Make the endpoint over some blobs, for pages of these origins.

    Without keys there is nothing to decrypt, and whoever may see the UI may see references too.
    """
    desk = _Desk(opened, frozenset(pages), codec)
    posts = {"/decode": desk.decode, "/download": desk.decode, "/encode": desk.encode}
    routes = [Route(path, desk.guarded(answer), methods=["POST"]) for path, answer in posts.items()]
    return Starlette(
        routes=[*routes, Route("/sign-in", desk.sign_in, methods=["GET", "POST"])],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=list(pages),
                allow_methods=["POST"],
                allow_headers=["*", "Authorization"],
                allow_credentials=True,
            )
        ],
    )


class _Desk:
    def __init__(self, opened: Opened, pages: frozenset[str], codec: Encryption) -> None:
        self._opened, self._pages, self._codec = opened, pages, codec
        self._driver = BlobDriver(opened)

    def guarded(self, answer: Callable[[Sequence[Payload]], Awaitable[list[Payload]]]) -> _Answer:
        """Make an endpoint of what answers payloads with payloads, for those signed in."""

        async def guarded(request: Request) -> Response:
            if (origin := request.headers.get("origin")) and origin not in self._pages:
                return _refused(403, f"pages of {origin} may not ask; see BRAID_CODEC_ORIGINS")
            try:
                who = await self._who(request)
                asked = json_format.Parse(await body(request, MOST_BYTES), Payloads())
                found = await answer(asked.payloads)
            except NotSignedIn as refused:
                return _refused(401, str(refused))
            except (json_format.ParseError, ValueError, RecursionError) as wrong:
                missing = isinstance(wrong, MissingKey)
                said = str(wrong) if missing else "not a list of payloads, or over 16 MiB"
                return _refused(404 if missing else 400, said)
            except StoreError as missing:
                return _refused(404, str(missing))
            log.info(request.url.path.strip("/"), by=who, payloads=len(found))
            text = json_format.MessageToJson(Payloads(payloads=found))
            return Response(text, media_type="application/json")

        return guarded

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Give each payload itself, in clear."""
        return await self._codec.decode(await resolved(payloads, self._driver))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt, if this service is; the workers read clear input too."""
        return await self._codec.encode(payloads)

    async def sign_in(self, request: Request) -> Response:
        """Show a form for a token, and keep a good one in a cookie scripts cannot read."""
        if self._codec.ring is None or request.method == "GET":
            return HTMLResponse(_PAGE.format(said="The Temporal UI then shows clear text."))
        try:
            form = parse_qs((await body(request, MOST_OF_A_TOKEN)).decode())
            given = form.get("token", [""])[0].strip()
            await self._caller(self._codec.ring, given)
        except (NotSignedIn, ValueError):
            return HTMLResponse(_PAGE.format(said="That token is not good (any more)."), 401)
        except StoreError:
            return HTMLResponse(_PAGE.format(said="The store is away; try again."), 503)
        done = HTMLResponse("<!doctype html><p>Signed in. Go back to the Temporal UI.")
        # A proxy that speaks TLS hides it from us; pages of TLS ask nothing without.
        secure = request.url.scheme == "https" or all(p.startswith("https:") for p in self._pages)
        done.set_cookie(COOKIE, given, httponly=True, samesite="strict", secure=secure)
        return done

    async def _who(self, request: Request) -> str:
        """Say who asks. Raises NotSignedIn, StoreError."""
        if self._codec.ring is None:
            return ""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
        return (await self._caller(self._codec.ring, given)).name

    async def _caller(self, ring: KeyRing, given: str) -> Caller:
        """Say whose a token is that was not taken back. Raises NotSignedIn, StoreError."""
        caller = signed_in(ring, given)
        async with self._opened() as blobs:
            return await still_let_in(caller, Revocations(blobs.store))


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status_code=status)
