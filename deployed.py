"""Which workflows are deployed, and in which sandbox and with which headers they run.

The worker serves them; the command line replays them. Nothing here touches the world: what
answers a workflow's calls is paired with them in `worker.py`.
"""

from collections.abc import Callable

from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import (
    ActivityInboundInterceptor,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowInterceptorClassInput,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from runtime.contexts import beside_sandbox
from runtime.conversion import count
from runtime.deadlocks import replay_patiently
from runtime.heartbeats import Heartbeats
from runtime.kept_code import keep_code
from runtime.unopened import Guarded
from workflows.attempts import LogRefusals
from workflows.blueprint import BlueprintRun
from workflows.competitive_intelligence import CompetitiveIntelligence
from workflows.content_generation import ContentGeneration
from workflows.content_production import ContentProduction
from workflows.data.metrics import NOTING, GateNote
from workflows.data_pipeline import DataPipeline
from workflows.document_analysis import DocumentAnalysis
from workflows.due_diligence import DueDiligence
from workflows.email_triage import EmailTriage
from workflows.fitting import FitMessages
from workflows.headers import PassHeaders
from workflows.order_fulfilment import OrderFulfilment
from workflows.party_screening import PartyScreening
from workflows.proposal import Proposal
from workflows.regulatory_submission import RegulatorySubmission
from workflows.sentiment import SentimentOfCustomers
from workflows.services.announce import Announce
from workflows.services.ask import Ask
from workflows.services.batch import Batch
from workflows.services.chunk import SpreadChunk
from workflows.services.keeper import Keeper
from workflows.services.report import ComplianceReport
from workflows.services.scheduled import ScheduledRun
from workflows.services.spread import Spread
from workflows.services.topic import Topic
from workflows.support_request import Support

WORKFLOWS: tuple[type, ...] = (
    DueDiligence,
    DocumentAnalysis,
    SentimentOfCustomers,
    ContentGeneration,
    PartyScreening,
    OrderFulfilment,
    ContentProduction,
    RegulatorySubmission,
    CompetitiveIntelligence,
    Support,
    DataPipeline,
    EmailTriage,
    Proposal,
    BlueprintRun,
    Keeper,
    Topic,
    Spread,
    SpreadChunk,
    Batch,
    Ask,
    Announce,
    ComplianceReport,
    ScheduledRun,
)

NAMES = tuple(sorted(str(workflow._Definition.must_from_class(w).name) for w in WORKFLOWS))
"""Their workflow types."""

PASSED_THROUGH = (
    # Records, contracts and pure patterns: no mutable state, and reloading them for every
    # workflow costs tens of milliseconds. Process files and their steps are never passed.
    "workflows.data",
    "workflows.errors",
    "workflows.scope",
    "workflows.calls",
    "workflows.grades",
    "workflows.room",
    "workflows.turns",
    "workflows.patterns",
    "workflows.prompts",
    "workflows.rules",
    "anyascii",
    "cryptography",
    "email_validator",
    "idna",
    "jinja2",
    "jwt",
    "markupsafe",
    "opentelemetry",
    "phonenumbers",
    "rapidfuzz",
    "stdnum",
    "structlog",
)


class _Workflows(LogRefusals, FitMessages, PassHeaders):
    """Both sides of a workflow: what it is sent, and what it starts."""


class BraidInterceptor(Interceptor):
    """Heartbeats and call context for activities; headers and refusals for workflows.

    `noting` is told of gates as they are opened and ended.
    """

    def __init__(self, identity: str, noting: Callable[[GateNote], None] | None = None) -> None:
        self._identity, self._noting = identity, noting

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap an activity."""
        return Heartbeats(next, self._identity)

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor]:
        """Name the workflow side."""
        if self._noting is not None:
            input.unsafe_extern_functions[NOTING] = self._noting
        return _Workflows


class _Sandbox(SandboxedWorkflowRunner):
    """Our sandbox; a workflow started with too few or too many inputs fails at once, and messages
    nobody can read are refused.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Make an instance that looks at how many inputs it is given."""
        made, run = beside_sandbox(super().create_instance(det)), det.defn.run_fn
        activate = Guarded(made).activate

        def counted(act: WorkflowActivation) -> WorkflowActivationCompletion:
            for job in act.jobs:
                if job.HasField("initialize_workflow"):
                    count(job.initialize_workflow.arguments, run)
            return activate(act)

        made.activate = counted  # type: ignore[method-assign]
        return made


def runner(*records: str) -> SandboxedWorkflowRunner:
    """Make the sandbox every workflow runs in; `records` name more modules to pass through."""
    keep_code()
    replay_patiently()
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH, *records)
    return _Sandbox(restrictions=restrictions)
