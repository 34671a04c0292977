"""OpenAI's batches: `/v1/files` and `/v1/batches`."""

import json
from email.parser import BytesParser
from time import time

from pydantic import BaseModel, JsonValue, ValidationError

from simulator.chance import digest
from simulator.exchange import Asked, Reply
from simulator.state import BatchItem
from simulator.vendors.batches import Batch, BatchHouse, Outcome

COUNTS = {"succeeded": "completed", "errored": "failed", "expired": "failed"}


class _Line(BaseModel):
    custom_id: str
    method: str
    url: str
    body: dict[str, JsonValue]


class _Order(BaseModel):
    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = None


class OpenAiBatches:
    """Files and batches. Uploaded files are kept in memory, batches in the state file."""

    def __init__(self, house: BatchHouse) -> None:
        self._house = house
        self._files: dict[str, bytes] = {}
        self._wrong: dict[str, str] = {}

    def answer(self, asked: Asked) -> Reply | None:
        """Answer what concerns files and batches; None for anything else."""
        parts = asked.path.removeprefix("/v1/").split("/")
        match (asked.method, *parts):
            case ("POST", "files"):
                return self._upload(asked)
            case ("GET", "files", identity, "content"):
                return self._content(identity)
            case ("POST", "batches"):
                return self._create(asked)
            case ("GET", "batches"):
                return self._list(asked)
            case ("GET", "batches", identity):
                found = self._house.find(identity)
                return _missing("batch") if found is None else Reply(200, self._shown(found))
            case ("POST", "batches", identity, "cancel"):
                return self._cancel(identity)
        return None

    def _upload(self, asked: Asked) -> Reply:
        kind = asked.headers.get("content-type", "")
        message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + asked.body)
        fields = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in (message.walk() if message.is_multipart() else ())
            if not part.is_multipart()
        }
        content, purpose = fields.get("file"), fields.get("purpose")
        if not isinstance(content, bytes) or purpose != b"batch":
            return _bad("'file' and 'purpose' of 'batch' are required.", "file")
        identity = f"file-{digest('openai', time(), len(self._files))[:24]}"
        self._files[identity] = content
        shown = {"id": identity, "object": "file", "bytes": len(content), "purpose": "batch"}
        return Reply(200, shown)

    def _content(self, identity: str) -> Reply:
        kind, _, batch = identity.partition("-of-")
        found = self._house.find(batch)
        if found is None or found.ends > time():
            return _missing("file")
        outcomes = self._house.outcomes(found)
        wanted = [o for o in outcomes if (o.kind == "succeeded") == (kind == "file-output")]
        lines = b"".join(_line(outcome) + b"\n" for outcome in wanted)
        return Reply(200, lines, media_type="application/octet-stream")

    def _create(self, asked: Asked) -> Reply:
        try:
            order = _Order.model_validate_json(asked.body)
        except ValidationError as wrong:
            return _bad(f"Invalid value: {wrong.errors()[0]['msg']}", "body")
        if order.completion_window != "24h":
            return _bad("Invalid value for 'completion_window': must be 24h.", "completion_window")
        if (content := self._files.get(order.input_file_id)) is None:
            return _bad(f"No such File object: {order.input_file_id}", "input_file_id")
        try:
            lines = [_Line.model_validate_json(x) for x in content.splitlines() if x.strip()]
        except ValidationError:
            lines = []
        wrong_with = _wrong(lines, order.endpoint)
        items = [
            BatchItem(custom_id=x.custom_id, path=x.url, body=x.body)
            for x in ([] if wrong_with else lines)
        ]
        batch = self._house.take("batch_", items, order.metadata or {})
        if wrong_with:
            self._wrong[batch.line.id] = wrong_with
        return Reply(200, self._shown(batch))

    def _list(self, asked: Asked) -> Reply:
        limit = int(asked.query.get("limit", "20"))
        found, more = self._house.newest(asked.query.get("after", ""), limit)
        shown = [self._shown(batch) for batch in found]
        return Reply(200, {"object": "list", "data": shown, "has_more": more})

    def _cancel(self, identity: str) -> Reply:
        if (found := self._house.find(identity)) is None:
            return _missing("batch")
        if found.ends <= time():
            return _bad("Cannot cancel a batch that has ended.", "id", 409)
        self._house.cancel(found)
        return Reply(200, self._shown(found) | {"status": "cancelling"})

    def _shown(self, batch: Batch) -> dict[str, object]:
        line, now = batch.line, time()
        status, over = self._status(batch, now), batch.ends <= now
        outcomes = self._house.outcomes(batch) if over else []
        kinds = [COUNTS.get(outcome.kind, "canceled") for outcome in outcomes]
        failed = any(kind != "completed" for kind in kinds)
        wrong = self._wrong.get(line.id)
        return {
            "id": line.id,
            "object": "batch",
            "endpoint": line.items[0].path if line.items else "",
            "errors": {"object": "list", "data": [{"code": "invalid", "message": wrong}]}
            if wrong
            else None,
            "completion_window": "24h",
            "status": status,
            "output_file_id": f"file-output-of-{line.id}" if "completed" in kinds else None,
            "error_file_id": f"file-error-of-{line.id}" if failed else None,
            "created_at": int(line.created),
            "expires_at": int(line.created) + 86_400,
            "request_counts": {
                "total": len(line.items),
                "completed": kinds.count("completed") if over else batch.done(now),
                "failed": kinds.count("failed"),
            },
            "metadata": line.mark or None,
        }

    def _status(self, batch: Batch, now: float) -> str:
        if batch.line.id in self._wrong:
            return "failed"
        if batch.ends > now:
            return "in_progress"
        if batch.cancelled is not None:
            return "cancelled"
        return "expired" if "expired" in batch.line.met.values() else "completed"


def _wrong(lines: list[_Line], endpoint: str) -> str:
    """Say what is wrong with an input file; empty if nothing is."""
    if not lines:
        return "The input file holds no valid request."
    if len({line.custom_id for line in lines}) < len(lines):
        return "The custom_id of a line is not unique."
    if {line.url for line in lines} != {endpoint}:
        return "The url of a line is not the endpoint of the batch."
    if len({str(line.body.get("model")) for line in lines}) > 1:
        return "All requests must use the same model."
    if any(line.body.get("stream") for line in lines):
        return "Streaming is not supported in a batch."
    return ""


def _line(outcome: Outcome) -> bytes:
    line: dict[str, object] = {
        "id": f"batch_req_{digest(outcome.custom_id)[:24]}",
        "custom_id": outcome.custom_id,
        "response": None,
        "error": None,
    }
    if outcome.kind in ("expired", "canceled"):
        code = "batch_expired" if outcome.kind == "expired" else "batch_cancelled"
        line["error"] = {"code": code, "message": "This request was not executed."}
    else:
        reply = outcome.reply
        body = {"error": {"message": "The server had an error.", "type": "server_error"}}
        line["response"] = {
            "status_code": reply.status if reply else 500,
            "request_id": f"req_{digest('batch', outcome.custom_id)[:24]}",
            "body": reply.body if reply else body,
        }
    return json.dumps(line, ensure_ascii=False).encode()


def _missing(what: str) -> Reply:
    return _bad(f"No such {what} found.", "id", 404)


def _bad(message: str, param: str, status: int = 400) -> Reply:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return Reply(status, {"error": error})
