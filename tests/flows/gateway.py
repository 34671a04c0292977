"""Model calls of many branches: questions by the hundred, and branches that share a budget."""

from dataclasses import replace
from decimal import Decimal
from functools import partial

from temporalio import workflow

from workflows.calls import ASK_MODEL, ask
from workflows.data.budget import BudgetOrder, BudgetView
from workflows.data.common import Record
from workflows.data.degrade import Shortage, Taken
from workflows.data.llm import ModelRef, ModelRequest, Prompt
from workflows.errors import BudgetSpent, budget_spent
from workflows.grades import step
from workflows.patterns.budget import CaseBudget
from workflows.patterns.degrade import Degrade, Degrading, below, cheaper_role
from workflows.patterns.join import Branch, join
from workflows.patterns.until import all_settled

MODELS = {
    "analyst": ModelRef(vendor="openai", model="gpt-6.1-terra"),
    "cheap": ModelRef(vendor="openai", model="gpt-6-luna"),
}


class Many(Record):
    """So many questions, so many at once."""

    case: str
    calls: int
    at_once: int
    budget: str = ""
    hops: int = 0


class Counted(Record):
    """How many answers came, and how many were read back."""

    answers: int
    reused: int


def question(case: str, number: int, role: str = "analyst", budget: str = "") -> ModelRequest:
    prompt = Prompt(
        name="kill", version=1, system="Be brief.", user=f"Question {case} {number}?", answer=""
    )
    target = MODELS[role]
    return ModelRequest(target=target, prompt=prompt, max_output_tokens=200, budget=budget)


@step("many_calls", Many, Counted)
async def _many_calls(given: Many) -> Counted:
    """Ask all questions; each may be asked again until it is answered."""

    async def one(number: int) -> bool:
        return (await ask(ASK_MODEL, question(given.case, number, budget=given.budget))).reused

    branches = {f"call-{n}": partial(one, n) for n in range(given.calls)}
    joined = await join(branches, limit=given.at_once)
    answered = [joined.require(name) for name in branches]
    return Counted(answers=len(answered), reused=sum(answered))


many_calls = replace(_many_calls, attempts=100)
"""Its worker is killed every second, which costs an attempt each time."""


@workflow.defn
class ManyCalls:
    """All questions of a case."""

    @workflow.run
    async def run(self, given: Many) -> Counted:
        return await many_calls(given)


class Sharing(Record):
    """Ten branches and what they may spend together, in US dollars."""

    case: str
    branches: int
    usd: Decimal


class Shared(Record):
    """What became of the branches, and of the budget."""

    by_analyst: int
    by_cheap: int
    refused: int
    budget: BudgetView
    taken: tuple[Taken, ...]


POLICY = Degrade(
    "spending", [below(Shortage.BUDGET, cheaper_role("analyst", use="cheap"), share=0.3)]
)


@step("shared_budget", Sharing, Shared)
async def share(given: Sharing) -> Shared:
    """Ask in branches at once, which go over to a cheaper role when the budget runs short."""
    kept = Degrading(POLICY)
    budget = CaseBudget(BudgetOrder(name="case", usd=given.usd), kept)
    await budget.open()

    async def one(number: int) -> str:
        async def asked(role: str) -> str:
            try:
                await ask(ASK_MODEL, question(given.case, number, role, "case"))
            except Exception as error:
                if (spent := budget_spent(error)) is not None:
                    raise spent from error
                raise
            return role

        return await budget.paying("analyst", asked)

    branches = [Branch(f"b-{n}", partial(one, n)) for n in range(given.branches)]
    joined = await join(branches, until=all_settled())
    roles = [o.value for o in joined.branches.values() if o.status == "succeeded"]
    refused = [o for o in joined.branches.values() if isinstance(o.error, BudgetSpent)]
    return Shared(
        by_analyst=roles.count("analyst"),
        by_cheap=roles.count("cheap"),
        refused=len(refused),
        budget=await budget.view(),
        taken=kept.taken,
    )


@workflow.defn
class SharedBudget:
    """Branches at once that share a budget."""

    @workflow.run
    async def run(self, given: Sharing) -> Shared:
        return await share(given)


@workflow.defn
class Family:
    """A case that opens a budget, goes on as a new run, and lets a child spend it."""

    @workflow.run
    async def run(self, given: Many) -> Counted:
        if given.hops:
            await CaseBudget(BudgetOrder(name="case", calls=given.calls)).open()
            workflow.continue_as_new(given.model_copy(update={"hops": given.hops - 1}))
        return await workflow.execute_child_workflow(
            ManyCalls.run, given, id=f"{workflow.info().workflow_id}-child"
        )
