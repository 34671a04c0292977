"""What a command was told: its arguments, result or duration, and what was set beside them.

Commands of the code and events of a history name the same things in much the same way, so one
walk reads both.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from temporalio.api.common.v1 import Payload

from insight.history import payloads
from workflows.data.common import JSON


def inputs(inner: Any) -> tuple[JSON, ...]:
    """Give what a command was told: its arguments, else a duration, result, failure or values."""
    for name in ("arguments", "args", "input", "result", "details"):
        if hasattr(inner, name):
            held = getattr(inner, name)
            return tuple(map(content, getattr(held, "payloads", None) or _listed(held)))
    if hasattr(inner, "start_to_fire_timeout"):
        return (seconds(inner.start_to_fire_timeout),)
    outcome = inner.outcome if hasattr(inner, "outcome") else inner
    if hasattr(inner, "protocol_instance_id") or outcome is not inner:
        return _outcome(outcome)
    if hasattr(inner, "failure"):
        return (payloads.reason(inner.failure),)
    if (group := getattr(inner, "search_attributes", None)) is not None:
        return ({key: content(p) for key, p in group.indexed_fields.items()},)
    if (group := getattr(inner, "upserted_memo", None)) is not None:
        return ({key: content(p) for key, p in group.fields.items()},)
    return ()


def _listed(held: Any) -> Iterable[Payload]:
    if isinstance(held, Payload):
        return (held,) if held.ByteSize() else ()
    return () if hasattr(held, "DESCRIPTOR") else held


def _outcome(found: Any) -> tuple[JSON, ...]:
    """Read what an update was answered: the value, or why it failed."""
    which = found.WhichOneof("response" if hasattr(found, "protocol_instance_id") else "value")
    if which in ("rejected", "failure"):
        return (payloads.reason(getattr(found, which)),)
    held = getattr(found, which) if which else None
    return tuple(map(content, getattr(held, "payloads", None) or _listed(held)))


_SETTINGS = (
    *("task_queue", "schedule_to_close_timeout", "schedule_to_start_timeout"),
    *("start_to_close_timeout", "heartbeat_timeout", "retry_policy", "parent_close_policy"),
    *("workflow_execution_timeout", "workflow_run_timeout", "workflow_task_timeout"),
    "cron_schedule",
)


def settings(inner: Any) -> dict[str, JSON]:
    """Give what is set beside the input; what is not set is left out."""
    found = {name: _plain(getattr(inner, name, None)) for name in _SETTINGS}
    policy = found.pop("retry_policy")
    inside = policy if isinstance(policy, dict) else {}
    return {k: v for k, v in (found | {f"retry {k}": v for k, v in inside.items()}).items() if v}


def _plain(held: Any) -> JSON:
    if hasattr(held, "ToNanoseconds"):
        return seconds(held)
    if (kind := getattr(held, "DESCRIPTOR", None)) is None:
        return held  # type: ignore[no-any-return]
    if kind.name == "TaskQueue":
        return held.name  # type: ignore[no-any-return]
    return {f.name.replace("_", " "): _plain(v) for f, v in held.ListFields() if not f.is_repeated}


def seconds(duration: Any) -> float:
    """Give a duration in seconds."""
    return float(duration.ToNanoseconds() / 1e9)


def content(payload: Payload) -> JSON:
    """Decode a payload; bytes of another kind are told by their digest, so that they compare."""
    encoding = payload.metadata.get("encoding", b"").decode(errors="replace")
    if encoding.startswith("json/"):
        try:
            return json.loads(payload.data)  # type: ignore[no-any-return]
        except ValueError:
            encoding = "broken " + encoding
    if encoding == "binary/null":
        return None
    return f"{encoding} of {len(payload.data)} bytes, {hashlib.sha256(payload.data).hexdigest()}"
