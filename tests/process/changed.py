"""Due diligence as another build has it: with a step before all others, which breaks old cases."""

from datetime import timedelta

from temporalio import workflow

from workflows.data.case_file import CaseFile
from workflows.data.decision import DecisionRecord
from workflows.due_diligence import DueDiligence


@workflow.defn(name="due-diligence")
class ChangedDueDiligence(DueDiligence):
    """Waits a moment first."""

    @workflow.init
    def __init__(self, case: CaseFile) -> None:
        super().__init__(case)

    @workflow.run
    async def run(self, case: CaseFile) -> DecisionRecord:
        """Wait, then do as before."""
        await workflow.sleep(timedelta(milliseconds=1), summary="changed")
        return await super().run(case)
