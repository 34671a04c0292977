"""The workflow a schedule starts: it makes the case file of the day and sees the case through."""

from temporalio import workflow

from workflows.calls import HEARTBEAT
from workflows.data.scheduled import SCHEDULED_RUN, ScheduledEnd, ScheduledOrder


@workflow.defn(name=SCHEDULED_RUN)
class ScheduledRun:
    """As long as the case is open, so that the schedule knows whether two would overlap."""

    @workflow.run
    async def run(self, order: ScheduledOrder) -> ScheduledEnd:
        """Run one case to its end. Fails as the case fails."""
        now = workflow.now()
        name = f"{order.prefix}-{order.case}-{now:%Y%m%d-%H%M%S}"
        await workflow.execute_child_workflow(
            order.process,
            order.on(now.date()),
            id=name,
            task_timeout=HEARTBEAT,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            static_summary=f"scheduled {now:%Y-%m-%d}",
        )
        return ScheduledEnd(case=name)
