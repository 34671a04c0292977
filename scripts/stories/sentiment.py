"""Stories of sentiment."""

from tests.support.world import Handle, World, example
from workflows.data.sentiment import SentimentCase


async def week(here: World) -> Handle:
    """Five remarks in two calls, and one of them asked about alone."""
    given = example("sentiment/week", SentimentCase)
    handle = await here.begin("sentiment", given, id="se-week")
    await handle.result()
    return handle


STORIES = (week,)
