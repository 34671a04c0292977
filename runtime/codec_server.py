"""The codec endpoint of the stack: the Temporal UI shows payloads that went by reference.

It speaks the codec server protocol (POST /decode, /encode and /download, `{"payloads": [...]}`) on
loopback, and lets pages of the UI only read its answers. Whoever may see the UI may see these.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payloads

from runtime.documents import BlobDriver, Opened, resolved
from runtime.serving import serving as served
from store.errors import StoreError


def create_app(opened: Opened, ui: str) -> Starlette:
    """Make the endpoint over some blobs, for pages of the origin `ui`."""
    driver = BlobDriver(opened)
    pages = [ui, ui.replace("127.0.0.1", "localhost")]

    async def decode(request: Request) -> Response:
        """Give each payload itself; encrypted ones will be decrypted here too."""
        try:
            asked = json_format.Parse(await request.body(), Payloads())
        except json_format.ParseError as wrong:
            return JSONResponse({"error": f"not a list of payloads: {wrong}"}, status_code=400)
        try:
            found = Payloads(payloads=await resolved(asked.payloads, driver))
        except StoreError as missing:
            return JSONResponse({"error": str(missing)}, status_code=404)
        return _json(found)

    async def encode(request: Request) -> Response:
        """Give payloads back as they came: the workers read clear input."""
        return Response(await request.body(), media_type="application/json")

    posts = {"/decode": decode, "/download": decode, "/encode": encode}
    return Starlette(
        routes=[Route(path, answer, methods=["POST"]) for path, answer in posts.items()],
        middleware=[
            Middleware(
                CORSMiddleware, allow_origins=pages, allow_methods=["POST"], allow_headers=["*"]
            )
        ],
    )


def _json(payloads: Payloads) -> Response:
    return Response(json_format.MessageToJson(payloads), media_type="application/json")


@asynccontextmanager
async def serving(opened: Opened, ui: str, port: int) -> AsyncIterator[str]:
    """Serve on a loopback port (0 takes a free one) until the block ends; yields the address."""
    async with served(create_app(opened, ui), port) as address:
        yield address
