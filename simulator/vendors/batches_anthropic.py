"""Anthropic's message batches: `/v1/messages/batches`."""

import json
from datetime import UTC, datetime
from time import time
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue, StringConstraints, ValidationError

from simulator.exchange import Asked, Reply
from simulator.state import BatchItem
from simulator.vendors.batches import Batch, BatchHouse, Outcome


class _Request(BaseModel):
    custom_id: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    params: dict[str, JsonValue]


class _Order(BaseModel):
    requests: list[_Request] = Field(min_length=1, max_length=100_000)


class AnthropicBatches:
    """Message batches."""

    def __init__(self, house: BatchHouse) -> None:
        self._house = house

    def answer(self, asked: Asked) -> Reply | None:
        """Answer what concerns batches; None for anything else."""
        head, _, rest = asked.path.partition("/v1/messages/batches")
        if head or asked.path == "/v1/messages":
            return None
        match (asked.method, *rest.strip("/").split("/")):
            case ("POST", ""):
                return self._create(asked)
            case ("GET", ""):
                return self._list(asked)
            case ("GET", identity):
                found = self._house.find(identity)
                return _missing() if found is None else Reply(200, self._shown(found))
            case ("GET", identity, "results"):
                return self._results(identity)
            case ("POST", identity, "cancel"):
                return self._cancel(identity)
        return None

    def _create(self, asked: Asked) -> Reply:
        try:
            order = _Order.model_validate_json(asked.body)
        except ValidationError as wrong:
            first = wrong.errors()[0]
            return _bad(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        if len({request.custom_id for request in order.requests}) < len(order.requests):
            return _bad("requests: custom_id must be unique")
        if any(request.params.get("stream") for request in order.requests):
            return _bad("requests: stream is not supported in a batch")
        items = [
            BatchItem(custom_id=r.custom_id, path="/v1/messages", body=r.params)
            for r in order.requests
        ]
        return Reply(200, self._shown(self._house.take("msgbatch_", items, {})))

    def _list(self, asked: Asked) -> Reply:
        limit = int(asked.query.get("limit", "20"))
        found, more = self._house.newest(asked.query.get("after_id", ""), limit)
        return Reply(200, {"data": [self._shown(batch) for batch in found], "has_more": more})

    def _results(self, identity: str) -> Reply:
        found = self._house.find(identity)
        if found is None or found.ends > time():
            return _missing()
        lines = (json.dumps(_line(o), ensure_ascii=False) for o in self._house.outcomes(found))
        return Reply(200, "\n".join(lines).encode(), media_type="application/x-jsonl")

    def _cancel(self, identity: str) -> Reply:
        if (found := self._house.find(identity)) is None:
            return _missing()
        if found.ends > time():
            self._house.cancel(found)
        return Reply(200, self._shown(found))

    def _shown(self, batch: Batch) -> dict[str, object]:
        line, now = batch.line, time()
        over, done = batch.ends <= now, batch.done(now)
        kinds = [outcome.kind for outcome in self._house.outcomes(batch)] if over else []
        counts = {kind: kinds.count(kind) for kind in ("errored", "canceled", "expired")}
        return {
            "id": line.id,
            "type": "message_batch",
            "processing_status": "ended" if over else "in_progress",
            "request_counts": {
                "processing": 0 if over else len(line.items) - done,
                "succeeded": kinds.count("succeeded") if over else done,
                **counts,
            },
            "created_at": _written(line.created),
            "expires_at": _written(line.created + 86_400),
            "ended_at": _written(batch.ends) if over else None,
            "cancel_initiated_at": _written(batch.cancelled) if batch.cancelled else None,
            "archived_at": None,
            "results_url": f"http://simulated/v1/messages/batches/{line.id}/results"
            if over
            else None,
        }


def _line(outcome: Outcome) -> dict[str, object]:
    result: dict[str, object] = {"type": outcome.kind}
    if outcome.kind == "succeeded" and outcome.reply is not None:
        result["message"] = outcome.reply.body
    elif outcome.kind == "errored":
        error = {"type": "error", "error": {"type": "api_error", "message": "Internal error"}}
        result["error"] = outcome.reply.body if outcome.reply else error
    return {"custom_id": outcome.custom_id, "result": result}


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def _missing() -> Reply:
    error = {"type": "not_found_error", "message": "No such message batch."}
    return Reply(404, {"type": "error", "error": error})


def _bad(message: str) -> Reply:
    error = {"type": "invalid_request_error", "message": message}
    return Reply(400, {"type": "error", "error": error})
