"""Logs: structlog renders everything, ours and the libraries', with case and branch per line."""

import logging
import sys
import traceback
from dataclasses import replace
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger
from temporalio import activity, workflow
from temporalio.runtime import LogForwardingConfig, LoggingConfig

from runtime.context import running_call
from runtime.telemetry import trace_id


def configure(log_format: str, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send all logging through structlog to `stream` (standard error), as text or JSON.

    Of an error both tell type and lines of code, not what it says, for that may quote a case.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _ids,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    text, js = structlog.dev.ConsoleRenderer(colors=False), structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), _workflow_ids],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(_frames),
            js if log_format == "json" else text,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    # Ids come as fields (_workflow_ids), not once more inside the message.
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for quiet in ("httpx", "httpcore", "uvicorn.access", "asyncio", "aiosqlite"):
        logging.getLogger(quiet).setLevel(logging.WARNING)


def _workflow_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Turn the SDK's extra about the running workflow or activity into our ids alone."""
    if (core := event.pop("temporal_log", None)) is not None and (run := core.fields.get("run_id")):
        event.setdefault("run_id", run)
    for extra in ("temporal_workflow", "temporal_activity"):
        info = event.pop(extra, None)
        if isinstance(info, dict) and "workflow_id" in info:
            root = workflow.info().root if workflow.in_workflow() else None
            event.setdefault("case", root.workflow_id if root else info["workflow_id"])
            event.setdefault("workflow_id", info["workflow_id"])
            event.setdefault("run_id", info.get("run_id") or info.get("workflow_run_id"))
    return event


def forwarded() -> LoggingConfig:
    """Have the SDK's core log through us: by itself it writes what failures say."""
    forwarding = LogForwardingConfig(
        logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        append_log_fields_to_message=False,
    )
    return replace(LoggingConfig.default, forwarding=forwarding)


def _frames(exc_info: ExcInfo) -> str:
    """Tell an error without what it says: its type and its lines, and those of its causes."""
    error: BaseException | None = exc_info[1]
    told, seen = list[str](), set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        lines = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__))
        told.append(f"{type(error).__qualname__}\n{''.join(lines.format())}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "because of ".join(told)


def _ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the ids of the call and the trace a line belongs to. Only now: most calls write none."""
    if (call := running_call()) is not None:
        event.setdefault("case", call.scope)
        for name in ("branch", "call", "attempt"):
            event.setdefault(name, getattr(call, name))
    if found := trace_id():
        event["trace_id"] = found
    return event
