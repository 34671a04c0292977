"""A report owed to an authority, as a task for compliance that outlives the case it comes from."""

from datetime import UTC, datetime, time, timedelta

from temporalio import workflow

from workflows.calls import CHAT, ask
from workflows.data.common import Record, Verdict
from workflows.data.effects import ChatOrder
from workflows.data.report import ReportFiled, ReportOrder
from workflows.patterns.gate import GateResult, Reminder, task_gate
from workflows.patterns.process import Process

OVERDUE = timedelta(days=365)
"""How long an overdue report is still asked for, every day."""
DAILY = timedelta(days=1)


@workflow.defn(name="compliance-report")
class ComplianceReport(Process):
    """Asks until somebody says the report was filed: reminders to its day, then every day."""

    @workflow.init
    def __init__(self, order: ReportOrder) -> None:
        super().__init__("compliance-report", order.case, keys=order.keys)
        self.order = order

    @workflow.run
    async def run(self, order: ReportOrder) -> ReportFiled:
        """Wait until it was filed; once overdue, for a year at most."""
        self.enter("report due")
        end = datetime.combine(order.due, time.max, UTC)
        left = max(end - workflow.now(), timedelta(seconds=1))
        said = await self._ask(left, min(order.remind_every, left), "is due by")
        late = said.last is None
        if said.last is None:
            self.enter("report overdue")
            said = await self._ask(OVERDUE, DAILY, "was due by")
        await self.finish()
        self.enter("closed", "filed" if said.last else "not filed")
        return ReportFiled(
            filed=said.last is not None,
            by=said.last.by if said.last else None,
            at=workflow.now(),
            late=late,
            comment=said.last.comment if said.last else "",
        )

    async def _ask(self, deadline: timedelta, every: timedelta, when: str) -> GateResult:
        spec = task_gate(
            "report",
            f"A report ({self.order.reason}) {when} {self.order.due}. Was it filed?",
            {name: frozenset({"compliance"}) for name in self.order.people},
            verdicts=(Verdict.DONE,),
            deadline=deadline,
            remind_every=every,
        )
        return await self.gate(spec, self._remind)

    async def _remind(self, reminder: Reminder) -> Record:
        """Remind the channel; what the report is about stays between compliance and the case."""
        text = f"case {self.order.case}: a task of compliance waits, due {self.order.due}"
        template = "report-overdue" if workflow.now().date() > self.order.due else "report-due"
        return await ask(CHAT, ChatOrder(template=template, number=reminder.number, text=text))
