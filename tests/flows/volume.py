"""Workflows of the batch tests: a small process whose whole work is a step, and what it asks."""

from datetime import timedelta

from temporalio import workflow

from workflows.calls import Call, ask
from workflows.data.common import CaseId, Record
from workflows.data.spread import ItemPage, PageQuery
from workflows.grades import step
from workflows.patterns.process import Process


class Lot(Record):
    """Something to appraise."""

    case: CaseId
    words: str


class Appraised(Record):
    """What it is worth."""

    case: CaseId
    worth: int


APPRAISE = Call("appraise", Lot, Appraised, timeout=timedelta(seconds=30), attempts=3)
LOTS = Call("lots", PageQuery, ItemPage, timeout=timedelta(seconds=30), attempts=3)


@step("appraise-lot", Lot, Appraised)
async def appraise_lot(lot: Lot) -> Appraised:
    """Appraise a lot."""
    return await ask(APPRAISE, lot)


@workflow.defn(name="appraisal")
class Appraisal(Process):
    """One lot."""

    @workflow.init
    def __init__(self, lot: Lot) -> None:
        super().__init__("appraisal", lot.case)

    @workflow.run
    async def run(self, lot: Lot) -> Appraised:
        """Do the step."""
        return await appraise_lot(lot)
