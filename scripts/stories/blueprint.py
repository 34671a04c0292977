"""Stories of blueprints."""

from contextlib import suppress

from temporalio.client import WorkflowFailureError

from cli.blueprints.checking import case_of
from cli.plans.deciding import decided_on
from cli.plans.optimising import Wished
from insight.plan.optimise.decide import Trial
from runtime.settings import ROOT, Settings
from tests.support.world import Handle, World
from workflows.data.blueprints.case import BlueprintCase


def given(name: str) -> BlueprintCase:
    """Give the example of a blueprint."""
    file = f"blueprints/{name}.yaml"
    return case_of(ROOT / file, [str(ROOT / "cases" / file)])


async def invoice(here: World) -> Handle:
    """Read, checked, approved by a person, paid."""
    handle = await here.begin("blueprint", given("invoice"), id="bp-invoice")
    gate = await here.gate(handle, "approve")
    await here.decide(handle, "approve", "ana", gate=gate.name)
    await handle.result()
    return handle


async def cancel(here: World) -> Handle:
    """A lead whose case is cancelled after the CRM was told: its card is withdrawn."""
    handle = await here.begin("blueprint", given("lead_scoring"), id="bp-lead-cancel")
    await here.until(handle, "branches", lambda found: any(b["name"] == "crm" for b in found))
    await handle.cancel()
    with suppress(WorkflowFailureError):
        await handle.result()
    return handle


def by_choices(case: BlueprintCase, deadline: str = "36s") -> BlueprintCase:
    """Let a case run by the cheapest plan for its deadline, however good, made without a solver."""
    wanted, few = Wished("cheapest", deadline, quality=0.1), Trial(runs=200)
    made = decided_on(case.blueprint, wanted, "given", Settings.from_env(), few, solver=None)
    return case.model_copy(update={"choices": made})


async def optimised(here: World) -> Handle:
    """By choices, in a world a hundred times as fast: cheaper models are taken as it goes."""
    handle = await here.begin("blueprint", by_choices(given("quiz")), id="bp-quiz-optimised")
    await handle.result()
    return handle


STORIES = (invoice, cancel, optimised)
