"""An event on its way to an endpoint, tried for three days."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

from workflows.calls import ANNOUNCE, ask
from workflows.data.announce import Announced, Announcement
from workflows.errors import reason
from workflows.patterns.announce import SERVICE
from workflows.patterns.clock import pause

TIMES = 72
EVERY = timedelta(hours=1)


@workflow.defn(name=SERVICE)
class Announce:
    """Delivers one event: a quarter of an hour of attempts each hour. An endpoint that refuses is
    asked again too, for whoever mends it need not ask for what was missed.
    """

    @workflow.run
    async def run(self, announcement: Announcement) -> Announced:
        """Deliver it. What was never taken ends as undelivered, with the last reason."""
        why = ""
        for _ in range(TIMES):
            try:
                await ask(ANNOUNCE, announcement)
            except ActivityError as error:
                why = reason(error)
                await pause(EVERY, "the endpoint is away")
            else:
                return Announced(delivered=True)
        return Announced(delivered=False, why=why)
