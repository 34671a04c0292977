"""The vendors' batch APIs, written and read by pure functions.

OpenAI (API reference of batches and files): a JSONL file of at most 50,000 requests or 200 MB to
one model, then a batch over it within 24 h, with metadata; what was answered and what failed come
as two files. Anthropic (API reference of message batches): requests inline, at most 100,000 or
256 MB, no metadata; results as one JSONL file, in any order. Both bill half.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import httpx

from activities.llm.providers.anthropic import VERSION
from activities.llm.providers.common import count, key_header, part, parts, text_of
from activities.wire import HttpRequest
from runtime.settings import Endpoint
from workflows.data.batch import ItemEnd
from workflows.data.llm import Dialect

MARK = "braid"
"""The name of our key in the metadata of a batch."""


@dataclass(frozen=True)
class Line:
    """One request of a batch: the id its result comes back under, and the request as if alone.

    A reply under one of the `origins` serves as well.
    """

    key: str
    request: HttpRequest
    origins: tuple[str, ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        """The plain body: a batch streams nothing."""
        sent = opened(self.request.content)
        return {k: v for k, v in sent.items() if k not in ("stream", "stream_options")}


@dataclass(frozen=True)
class Standing:
    """A batch as its vendor tells it. `mark` is our key, where the vendor keeps one."""

    remote: str
    ended: bool
    told: str
    total: int
    created_at: datetime
    mark: str = ""
    results: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Result:
    """What a request of a batch came to; `body` is the reply as if it had been asked alone."""

    key: str
    end: ItemEnd
    body: bytes = b""
    why: str = ""


class BatchApi(Protocol):
    """One vendor's batches: requests to send, and what their answers say."""

    marked: bool
    """Whether a batch carries our key, so that one can be told from another before it ends."""

    def headers(self, endpoint: Endpoint) -> dict[str, str]:
        """Give the headers that let us in."""

    def upload(self, lines: Sequence[Line], /) -> HttpRequest | None:
        """Write the upload of the requests; None where they go with the batch."""

    def create(self, mark: str, lines: Sequence[Line], uploaded: bytes, /) -> HttpRequest:
        """Write the order; `uploaded` is the answer to the upload."""

    def look(self, remote: str) -> HttpRequest:
        """Write the question how a batch stands."""

    def cancel(self, remote: str) -> HttpRequest:
        """Write the cancelling of a batch."""

    def recent(self, after: str) -> HttpRequest:
        """Write the question for the newest batches, older than `after` if that is given."""

    def standing(self, body: Mapping[str, Any]) -> Standing:
        """Read a batch."""

    def result(self, line: Mapping[str, Any]) -> Result:
        """Read one line of the results."""


class OpenAiBatches:
    """Batches of OpenAI, and of servers that speak alike."""

    marked = True

    def headers(self, endpoint: Endpoint) -> dict[str, str]:
        """Give the bearer token."""
        return key_header(endpoint, "authorization") if endpoint.key else {}

    def upload(self, lines: Sequence[Line]) -> HttpRequest | None:
        """Write the requests as a file of JSON lines."""
        content = b"".join(
            _json({"custom_id": x.key, "method": "POST", "url": _url(x), "body": x.body}) + b"\n"
            for x in lines
        )
        form = httpx.Request(
            "POST",
            "http://unused",
            data={"purpose": "batch"},
            files={"file": ("batch.jsonl", content, "application/jsonl")},
        )
        headers = {"content-type": form.headers["content-type"]}
        return HttpRequest("POST", "/files", form.read(), headers, streamed=True)

    def create(self, mark: str, lines: Sequence[Line], uploaded: bytes) -> HttpRequest:
        """Order a batch over the file."""
        return _post(
            "/batches",
            {
                "input_file_id": text_of(opened(uploaded), "id"),
                "endpoint": _url(lines[0]),
                "completion_window": "24h",
                "metadata": {MARK: mark},
            },
        )

    def look(self, remote: str) -> HttpRequest:
        """Ask for a batch."""
        return HttpRequest("GET", f"/batches/{quote(remote, safe='')}")

    def cancel(self, remote: str) -> HttpRequest:
        """Cancel a batch; what was done by then still comes."""
        return HttpRequest("POST", f"/batches/{quote(remote, safe='')}/cancel")

    def recent(self, after: str) -> HttpRequest:
        """Ask for the newest batches."""
        return HttpRequest("GET", "/batches?limit=100" + (f"&after={after}" if after else ""))

    def standing(self, body: Mapping[str, Any]) -> Standing:
        """Read a batch; one that failed as a whole says why in `errors`."""
        status = text_of(body, "status")
        counts = part(body, "request_counts")
        files = (text_of(body, "output_file_id"), text_of(body, "error_file_id"))
        wrong = "; ".join(text_of(e, "message") for e in parts(part(body, "errors"), "data"))
        return Standing(
            remote=text_of(body, "id"),
            ended=status in ("completed", "failed", "expired", "cancelled"),
            told=f"{status}, {count(counts, 'completed')} of {count(counts, 'total')} done",
            total=count(counts, "total"),
            created_at=datetime.fromtimestamp(count(body, "created_at"), UTC),
            mark=text_of(part(body, "metadata"), MARK),
            results=tuple(f"/files/{quote(f, safe='')}/content" for f in files if f),
            why=wrong or status,
        )

    def result(self, line: Mapping[str, Any]) -> Result:
        """Read a line of the output file or of the error file."""
        key, response = text_of(line, "custom_id"), part(line, "response")
        if response and count(response, "status_code") < 300:
            return Result(key, ItemEnd.ANSWERED, _json(part(response, "body")))
        error = part(line, "error") or part(part(response, "body"), "error")
        code = text_of(error, "code")
        end = {"batch_expired": ItemEnd.EXPIRED, "batch_cancelled": ItemEnd.CANCELLED}
        told = f"{count(response, 'status_code') or ''} {code or text_of(error, 'type')}"
        return Result(key, end.get(code, ItemEnd.FAILED), why=told.strip())


class AnthropicBatches:
    """Message batches of Anthropic."""

    marked = False

    def headers(self, endpoint: Endpoint) -> dict[str, str]:
        """Give the key and the version of the API."""
        key = key_header(endpoint, "x-api-key") if endpoint.key else {}
        return {"anthropic-version": VERSION} | key

    def upload(self, _lines: Sequence[Line]) -> HttpRequest | None:
        """Upload nothing: the requests go with the batch."""
        return None

    def create(self, _mark: str, lines: Sequence[Line], _uploaded: bytes) -> HttpRequest:
        """Order a batch of these requests."""
        requests = [{"custom_id": line.key, "params": line.body} for line in lines]
        return _post("/v1/messages/batches", {"requests": requests})

    def look(self, remote: str) -> HttpRequest:
        """Ask for a batch."""
        return HttpRequest("GET", f"/v1/messages/batches/{quote(remote, safe='')}")

    def cancel(self, remote: str) -> HttpRequest:
        """Cancel a batch; what cannot be interrupted still comes."""
        return HttpRequest("POST", f"/v1/messages/batches/{quote(remote, safe='')}/cancel")

    def recent(self, after: str) -> HttpRequest:
        """Ask for the newest batches."""
        more = f"&after_id={after}" if after else ""
        return HttpRequest("GET", f"/v1/messages/batches?limit=100{more}")

    def standing(self, body: Mapping[str, Any]) -> Standing:
        """Read a batch. Results are fetched by path: their host is the vendor's."""
        counts, status = part(body, "request_counts"), text_of(body, "processing_status")
        total = sum(n for n in counts.values() if isinstance(n, int))
        remote = text_of(body, "id")
        results = urlsplit(text_of(body, "results_url")).path
        path = results[results.find("/v1/") :] if "/v1/" in results else ""
        return Standing(
            remote=remote,
            ended=status == "ended",
            told=f"{status}, {total - count(counts, 'processing')} of {total} done",
            total=total,
            created_at=_moment(text_of(body, "created_at")),
            results=(path,) if path else (),
            why=status,
        )

    def result(self, line: Mapping[str, Any]) -> Result:
        """Read a line of the results."""
        key, result = text_of(line, "custom_id"), part(line, "result")
        kind = text_of(result, "type")
        if kind == "succeeded":
            return Result(key, ItemEnd.ANSWERED, _json(part(result, "message")))
        error = part(part(result, "error"), "error") or part(result, "error")
        end = {"expired": ItemEnd.EXPIRED, "canceled": ItemEnd.CANCELLED}
        return Result(key, end.get(kind, ItemEnd.FAILED), why=text_of(error, "type") or kind)


BATCH_APIS: Mapping[Dialect, BatchApi] = {
    Dialect.OPENAI_RESPONSES: OpenAiBatches(),
    Dialect.OPENAI_CHAT: OpenAiBatches(),
    Dialect.ANTHROPIC_MESSAGES: AnthropicBatches(),
}


def opened(body: bytes) -> dict[str, Any]:
    """Read a body as a JSON object; anything else reads as an empty one."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def results_of(api: BatchApi, body: bytes) -> list[Result]:
    """Read a file of results; a line that is no JSON object is left out."""
    lines = (opened(line) for line in body.splitlines() if line.strip())
    return [api.result(line) for line in lines if line]


def _url(line: Line) -> str:
    return f"/v1{line.request.path}"


def _post(path: str, body: Mapping[str, object]) -> HttpRequest:
    headers = {"content-type": "application/json"}
    return HttpRequest("POST", path, _json(body), headers, streamed=True)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _moment(text: str) -> datetime:
    """Read a time of RFC 3339; what is none reads as the beginning of time."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
