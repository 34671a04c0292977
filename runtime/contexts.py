"""For whom a payload is meant is asked of a workflow beside its sandbox.

The SDK asks it some times for every payload of every command, and enters the sandbox each time:
that was a third of what a worker did for a case of a thousand activities. The answer is read from
the SDK's own records; no code of a workflow runs for it.
"""

from temporalio.worker import WorkflowInstance

_INSIDE = "__temporal_in_sandbox"


def beside_sandbox(made: WorkflowInstance) -> WorkflowInstance:
    """Have a sandboxed instance answer it at once. Raises RuntimeError where the SDK changed."""
    inside = getattr(made, "globals_and_locals", {}).get(_INSIDE)
    if inside is None:
        raise RuntimeError("this SDK keeps what is in its sandbox elsewhere; see contexts.py")
    answers = inside.instance
    made.get_serialization_context = answers.get_serialization_context  # type: ignore[method-assign]
    made.get_external_store_context = answers.get_external_store_context  # type: ignore[method-assign]
    return made
