"""Records of the screening of one party, a child workflow of its case."""

from workflows.data.budget import BudgetOrder
from workflows.data.case_file import CaseFile, Party
from workflows.data.common import CostView, Record
from workflows.data.findings import Check, CheckResult
from workflows.data.llm import RoleBook

PARTY_WORKFLOW = "due-diligence-party"


class PartyOrder(Record):
    """Screen this party. `case` names no party; `roles` and `budget` are those of its case."""

    case: CaseFile
    party: Party
    checks: tuple[Check, ...]
    roles: RoleBook
    budget: BudgetOrder | None = None
    round: int = 0


class PartyScreened(Record):
    """What the screening of a party came to, and what its models cost."""

    checks: tuple[CheckResult, ...]
    cost: CostView
