"""When a service goes on in a new run."""

from temporalio import workflow


def full(events: int) -> bool:
    """Say whether this run's history is long enough for a new one."""
    info = workflow.info()
    long = info.get_current_history_length() >= events
    return long or info.is_continue_as_new_suggested()
