"""Stories of competitive intelligence: all answer, and one source is down."""

from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, example
from workflows.data.intelligence import IntelligenceOrder

ORDER = example("competitive-intelligence/chips_and_data", IntelligenceOrder)


async def complete(here: World) -> Handle:
    """Every source answers."""
    handle = await here.begin("competitive-intelligence", ORDER, id="ci-complete-story")
    await handle.result()
    return handle


async def thin(here: World) -> Handle:
    """The securities regulator is down: its answers are missing and named."""
    await here.faults(Fault(service="edgar", kind=FaultKind.DOWN))
    handle = await here.begin("competitive-intelligence", ORDER, id="ci-thin-story")
    await handle.result()
    return handle


STORIES = (complete, thin)
