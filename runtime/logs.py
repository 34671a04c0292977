"""Logs: structlog renders everything, ours and the libraries', with case and branch per line."""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from temporalio import activity, workflow

from runtime.telemetry import trace_id


def configure(log_format: str, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send all logging through structlog to `stream` (standard error), as text or JSON."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    render: Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), _workflow_ids],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            render,
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
    """Turn the SDK's extra about the running workflow or activity into our ids."""
    for extra in ("temporal_workflow", "temporal_activity"):
        info = event.pop(extra, None)
        if isinstance(info, dict) and "workflow_id" in info:
            event.setdefault("case", info["workflow_id"])
            event.setdefault("workflow_id", info["workflow_id"])
            event.setdefault("run_id", info.get("run_id") or info.get("workflow_run_id"))
    return event


def _trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the id of the trace a line belongs to, where there is one."""
    if found := trace_id():
        event["trace_id"] = found
    return event
