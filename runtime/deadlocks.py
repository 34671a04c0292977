"""How long one workflow task may run before the SDK takes it for a deadlock: longer than 2 s.

The SDK counts wall time. On a busy machine a task of 0.2 s of work was once taken for a deadlock,
and a case so interrupted never leaves the worker's cache (SDK 1.35: `wait_for` has cancelled what
the eviction waits for, so it runs beside the thread it should follow). A task that outlasts the
server's own time for it (5 s) is begun anew without that.
"""

from temporalio.worker import Worker

SECONDS = 30
"""A task so long is an endless loop, not a busy machine."""


def patient(worker: Worker) -> Worker:
    """Give the worker back with that patience; one without workflows needs none."""
    inner = worker._workflow_worker
    if inner is not None:
        if not hasattr(inner, "_deadlock_timeout_seconds"):
            raise RuntimeError("this SDK keeps its deadlock timeout elsewhere; see deadlocks.py")
        inner._deadlock_timeout_seconds = SECONDS
    return worker
