"""Events met with a query before their workflow task: that task begins anew."""

from types import SimpleNamespace

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

from runtime.early import Anew


def activation(length: int, at: int, *jobs: str, query: bool = False) -> WorkflowActivation:
    made = WorkflowActivation(run_id="r", history_length=length)
    made.timestamp.FromSeconds(at)
    for name in jobs:
        made.jobs.add().signal_workflow.signal_name = name
    if query:
        made.jobs.add().query_workflow.query_id = "legacy_query"
    return made


def test_a_task_whose_events_were_met_early_begins_anew() -> None:
    """As the SDK's core sends it: a longer history without a new start of a task is early."""
    met: list[list[str]] = []

    def activate(act: WorkflowActivation) -> WorkflowActivationCompletion:
        met.append([j.signal_workflow.signal_name or "query" for j in act.jobs])
        return WorkflowActivationCompletion(run_id=act.run_id)

    watched = Anew(SimpleNamespace(activate=activate))
    turns = [
        activation(3, 10, "first"),
        activation(3, 10, "of the same task"),
        activation(7, 11, "next"),
        activation(10, 11, "early"),
        activation(10, 11, query=True),
    ]
    assert not any(watched.activate(turn).HasField("failed") for turn in turns)
    assert watched.activate(activation(12, 12, "later")).HasField("failed")
    assert met == [["first"], ["of the same task"], ["next"], ["early"], ["query"]]
