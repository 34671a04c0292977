"""The wire: one exchange, and what a broken one means."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from activities.wire import BEFORE_SENDING, HttpRequest, Lost, NotSent, Wire, _translated
from runtime.settings import Endpoint, Settings
from tests.activities.outside import Canned, Outside, said


def all_request_errors(kind: type[httpx.RequestError]) -> set[type[httpx.RequestError]]:
    return {kind} | {e for sub in kind.__subclasses__() for e in all_request_errors(sub)}


KINDS = {kind.__name__: kind for kind in all_request_errors(httpx.RequestError)}


@pytest.mark.parametrize("kind", [KINDS[name] for name in sorted(KINDS)])
def test_every_error_of_httpx_is_translated(kind: type[httpx.RequestError]) -> None:
    sent = not issubclass(kind, BEFORE_SENDING)
    assert _translated("gleif", kind("x")).sent is sent


async def test_an_exchange(world: Outside, settings: Settings, wire: Wire) -> None:
    world.will(said({"a": 1}, X_Thing="b"))
    request = HttpRequest("POST", "/x?y=1", b"body", {"x-other": "c"})
    reply = await wire.exchange("gleif", settings.endpoint("gleif"), request)
    assert (reply.status, reply.body, reply.headers["x-thing"]) == (200, b'{"a": 1}', "b")
    seen = world.seen[0]
    assert (seen.method, seen.path, seen.body) == ("POST", "/gleif/x?y=1", b"body")
    assert seen.headers["x-other"] == "c"


async def test_a_redirected_download_is_followed(
    world: Outside, settings: Settings, wire: Wire
) -> None:
    world.will(Canned(302, b"", (("location", "/elsewhere"),)), Canned(200, b"file"))
    reply = await wire.exchange("ofac", settings.endpoint("ofac"), HttpRequest("GET", "/f"))
    assert reply.body == b"file"
    assert [seen.path for seen in world.seen] == ["/ofac/f", "/elsewhere"]


@pytest.mark.parametrize(
    "canned",
    [Canned(cut=0), Canned(cut=9), Canned(body=b"x" * 50, cut=60)],
    ids=["before the status", "inside the status", "inside the body"],
)
async def test_a_cut_connection_may_have_been_served(
    canned: Canned, world: Outside, settings: Settings, wire: Wire
) -> None:
    world.will(canned)
    with pytest.raises(Lost, match="broke before its answer"):
        await wire.exchange("gleif", settings.endpoint("gleif"), HttpRequest("GET", "/x"))


async def test_a_silent_service_is_given_up(world: Outside, settings: Settings) -> None:
    world.will(Canned(hang=True))
    wire = Wire(replace(settings, source_timeout=0.2))
    with pytest.raises(Lost, match=r"did not answer within 0.2 s|broke before"):
        await wire.exchange("gleif", settings.endpoint("gleif"), HttpRequest("GET", "/x"))
    await wire.close()


ASKED = HttpRequest("POST", "/x", b"{}", streamed=True)
WORDS = (b"data: a\n\n", b"data: b\n\n")


async def test_a_stream_is_read_to_its_end(world: Outside, settings: Settings, wire: Wire) -> None:
    world.will(Canned(pieces=WORDS))
    began, sizes = [], list[int]()
    reply = await wire.exchange(
        "openai",
        settings.endpoint("openai"),
        ASKED,
        on_headers=lambda: began.append(list(sizes)),
        on_chunk=sizes.append,
    )
    assert reply.body == b"".join(WORDS)
    assert began == [[]]
    assert sizes[-1] == len(reply.body)


@pytest.mark.parametrize(
    ("canned", "told"),
    [
        (Canned(pieces=WORDS, ending="silence"), "ReadTimeout"),
        (Canned(pieces=WORDS, ending="drip", pace=0.02), r"did not answer within 0\.5 s"),
        (Canned(pieces=WORDS, ending="cut"), "RemoteProtocolError"),
        (Canned(hang=True), "ReadTimeout"),
    ],
    ids=["silence after two pieces", "drip without end", "cut", "silence from the start"],
)
async def test_every_broken_stream_ends(
    canned: Canned, told: str, world: Outside, settings: Settings
) -> None:
    world.will(canned)
    wire = Wire(replace(settings, model_timeout=0.5, model_idle_timeout=0.2))
    with pytest.raises(Lost, match=told):
        await wire.exchange("openai", settings.endpoint("openai"), ASKED)
    await wire.close()


async def test_hundreds_of_streams_are_open_at_once(
    world: Outside, settings: Settings, wire: Wire
) -> None:
    together = 120
    world.will(*[Canned(pieces=WORDS, ending="silence")] * together)
    endpoint, begun = settings.endpoint("openai"), asyncio.Semaphore(0)
    asking = [
        asyncio.create_task(wire.exchange("openai", endpoint, ASKED, on_headers=begun.release))
        for _ in range(together)
    ]
    for _ in asking:
        await begun.acquire()
    assert len(world.seen) == together
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


@pytest.mark.parametrize(
    ("service", "base", "two"),
    [
        ("openai", "https://v.example", True),
        ("openai", "http://v", False),
        ("gleif", "https://v.example", False),
    ],
)
def test_streams_over_tls_share_connections(service: str, base: str, two: bool, wire: Wire) -> None:
    client = wire._client(service, Endpoint(base, simulated=False))
    pool = client._transport._pool  # type: ignore[attr-defined]
    assert pool._http2 is two


async def test_nobody_there_means_nothing_sent(settings: Settings, wire: Wire) -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    nobody = Endpoint(f"http://127.0.0.1:{port}", simulated=True)
    with pytest.raises(NotSent, match="cannot be reached"):
        await wire.exchange("gleif", nobody, HttpRequest("GET", "/x"))


async def test_a_key_never_shows(settings: Settings) -> None:
    request = HttpRequest("GET", "/x", headers={"authorization": "Bearer secret-key"})
    assert "secret-key" not in repr(request)
