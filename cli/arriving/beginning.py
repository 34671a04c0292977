"""How what arrives starts a case: once, however often it is delivered, and as promoted."""

from dataclasses import replace

from starlette.responses import JSONResponse
from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from cli import cases
from cli.arriving.bodies import refused
from cli.errors import BadInput
from cli.processes import ProcessEntry
from cli.shadows.promoting import as_promoted
from store.database import Store
from store.journal import Journal
from store.promotions import Promotions
from workflows.calls import MAIN_QUEUE
from workflows.data.common import Record


class Beginning:
    """Starts cases. `store` is that of the workers, which knows a case by its calls long after
    Temporal forgot it, and by `service` what was promoted.
    """

    def __init__(
        self, client: Client, store: Store, service: str = "", queue: str = MAIN_QUEUE
    ) -> None:
        self._client, self._queue = client, queue
        self._journal, self._promotions = Journal(store), Promotions(store, service)

    async def __call__(self, entry: ProcessEntry, given: Record, how: cases.Start) -> JSONResponse:
        """Start a case; with an id, name the one there was of it, be it long gone."""
        once = how.workflow_id
        if once is not None and await self._journal.calls(once):
            return JSONResponse({"case": once, "started": False})
        how = replace(how, queue=self._queue)
        if (found := await self._promotions.of(entry.name)) is not None:
            entry, given, how = as_promoted(found, given, how)
        try:
            handle = await cases.start(self._client, entry, given, how)
        except BadInput as taken:
            if once and isinstance(taken.__cause__, WorkflowAlreadyStartedError):
                return JSONResponse({"case": once, "started": False})
            return refused(503, f"{taken}; deliver it again later")
        return JSONResponse({"case": handle.id, "started": True}, 202)
