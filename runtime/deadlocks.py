"""How long one workflow task may run before the SDK takes it for a deadlock: longer than 2 s.

The SDK counts wall time. On a busy machine a task of 0.2 s of work was once taken for a deadlock,
and a case so interrupted never leaves the worker's cache (SDK 1.35: `wait_for` has cancelled what
the eviction waits for, so it runs beside the thread it should follow). A task that outlasts the
server's own time for it (5 s) is begun anew without that.
"""

from typing import Any

from temporalio.worker import Worker, _replayer
from temporalio.worker._workflow import _WorkflowWorker

SECONDS = 30
"""A task so long is an endless loop, not a busy machine."""


def patient(worker: Worker) -> Worker:
    """Give the worker back with that patience; one without workflows needs none."""
    if worker._workflow_worker is not None:
        _wait(worker._workflow_worker)
    return worker


def replay_patiently() -> None:
    """Give every replay of this process that patience too: a replayer makes its worker itself."""
    vars(_replayer)["_WorkflowWorker"] = _Patient


class _Patient(_WorkflowWorker):
    """What turns activations of a replay into workflow tasks."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        _wait(self)


def _wait(inner: Any) -> None:
    if not hasattr(inner, "_deadlock_timeout_seconds"):
        raise RuntimeError("this SDK keeps its deadlock timeout elsewhere; see deadlocks.py")
    inner._deadlock_timeout_seconds = SECONDS
