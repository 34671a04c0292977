"""One example of every process for the tests all processes share (`test_every_process.py`)."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.blueprints.checking import case_of
from cli.processes import process
from runtime.settings import ROOT
from tests.support.world import Handle, World, example
from workflows.data.case_file import CaseFile
from workflows.data.common import Record

People = Callable[[World, Handle], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Example:
    """A case of a process: its input, what people do in it, and how its effects balance.

    `file` is below `cases/`, without its ending; `changes` are top-level fields of it. `cancel_at`
    is the activity after whose first completion the case is cancelled: best the first effect that
    must be undone. `undone_by` names for each effect of the ledger those that undo it;
    `stays` are effects that a cancelled case leaves behind as they are (a mail that was sent).
    `differs` are fields of the result that may differ between two runs, each with the reason.
    `in_order` says why nothing of it is parallel.
    """

    process: str
    file: str
    people: People
    cancel_at: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    undone_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stays: frozenset[str] = frozenset()
    differs: Mapping[str, str] = field(default_factory=dict)
    in_order: str = ""

    def given(self) -> Record:
        """Read the input."""
        return example(self.file, process(self.process).record, **self.changes)


def deciding(*decisions: tuple[str, str, str]) -> People:
    """Make people who decide one after the other: gate (as it begins), verdict, who."""

    async def people(here: World, handle: Handle) -> None:
        for gate, verdict, by in decisions:
            view = await here.gate(handle, gate)
            await here.decide(handle, verdict, by, gate=view.name)

    return people


def two_of_two() -> dict[str, Any]:
    """Ask as many references as are needed: nothing is left out early, so cost is the same."""
    asked = example("unilever", CaseFile).references
    conclusive = [r for r in asked.referees if r.party_id in ("trade-1", "trade-2")]
    return {**asked.model_dump(), "needed": 2, "referees": [r.model_dump() for r in conclusive]}


@dataclass(frozen=True)
class Written(Example):
    """An example of a blueprint: `file` is below `blueprints/`, its input below `cases/`."""

    def given(self) -> Record:
        """Put the case together."""
        name = f"blueprints/{self.file}.yaml"
        return case_of(ROOT / name, [str(ROOT / "cases" / name)])


EXAMPLES = (
    Written(
        "blueprint",
        "lead_scoring",
        deciding(),
        cancel_at="call_endpoint",
        undone_by={"crm/leads": ("crm/leads/withdrawn",)},
        stays=frozenset({"chat", "log/events"}),
    ),
    Example(
        "due-diligence",
        "unilever",
        deciding(("review", "approve", "ana")),
        cancel_at="account_service",
        changes={
            "parties": [
                {
                    "party_id": "owner-1",
                    "kind": "Company",
                    "name": "Wharfside Holdings Ltd",
                    "role": "owner",
                }
            ],
            "references": two_of_two(),
        },
        undone_by={
            "create_customer": ("delete_customer",),
            "open_account": ("close_account",),
            "set_limit": ("clear_limit",),
            "enrol_monitoring": ("leave_monitoring",),
            "grant_access": ("revoke_access",),
        },
        stays=frozenset({"mail", "chat"}),
        differs={"audit_head": "a hash over moments"},
    ),
    Example(
        "order-fulfilment",
        "order-fulfilment/ready",
        deciding(),
        cancel_at="payment_service",
        changes={"stock": {"warehouses": ["lyon", "hamburg"], "choose": "cheapest"}},
        undone_by={
            "authorise": ("void", "refund"),
            "capture": ("refund",),
            "reserve": ("release",),
            "ship": ("release",),
            "make_label": ("void_label",),
        },
        stays=frozenset({"mail", "chat"}),
    ),
    Example(
        "content-production",
        "content-production/heat_pumps",
        deciding(),
        cancel_at="ask_model",
        changes={"brief_wait": "PT1H"},  # figures begin with what is there by then: the brief
    ),
    Example(
        "document-analysis",
        "document-analysis/suppliers",
        deciding(),
        cancel_at="ask_model",
    ),
    Example("sentiment", "sentiment/week", deciding(), cancel_at="ask_model"),
    Example(
        "content-generation",
        "content-generation/cold_store",
        deciding(),
        cancel_at="ask_model",
    ),
    Example(
        "email-triage",
        "email-triage/urgent",
        deciding(("answer", "approve", "ana")),
        cancel_at="ask_model",
        stays=frozenset({"mail", "chat"}),
    ),
    Example(
        "competitive-intelligence",
        "competitive-intelligence/chips_and_data",
        deciding(),
        cancel_at="news_search",
    ),
    Example(
        "regulatory-submission",
        "regulatory-submission/tablets",
        deciding(
            ("sign-analysis", "approve", "tomas"),
            ("sign-analysis", "approve", "yuki"),
            ("sign-writing", "approve", "yuki"),
            ("sign-review", "approve", "oren"),
            ("sign-bundle", "approve", "petra"),
            ("sign-bundle", "approve", "oren"),
        ),
        cancel_at="ask_model",
        differs={"audit_head": "a hash over moments"},
    ),
    Example(
        "data-pipeline",
        "data-pipeline/sales",
        deciding(),
        cancel_at="load_batch",
        stays=frozenset({"load_rows", "set_rows_aside"}),
    ),
    Example(
        "support-request",
        "support-request/printer",
        deciding(),
        cancel_at="ask_model",
        stays=frozenset({"mail", "chat"}),
        differs={"due": "counted from the start"},
        in_order="one after the other tries to answer",
    ),
    Example(
        "proposal",
        "proposal/fleet",
        deciding(),
        cancel_at="account_service",
        undone_by={
            "create_customer": ("delete_customer",),
            "open_account": ("close_account",),
            "set_limit": ("clear_limit",),
        },
        stays=frozenset({"mail", "chat"}),
    ),
)
