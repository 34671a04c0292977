"""The workflow a schedule starts: it makes the case file of the day and sees the case through."""

from collections.abc import Mapping

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from workflows.calls import HEARTBEAT, READ_PROMOTION, SET_REVIEW, ask
from workflows.data.common import JSON, ONE_AT_A_TIME
from workflows.data.decision import DecisionRecord
from workflows.data.promotion import PromotionQuery, RunsAs
from workflows.data.scheduled import SCHEDULED_RUN, ScheduledEnd, ScheduledOrder
from workflows.grades import Grade, enter_grade
from workflows.rules.dd.decision import review_days

DUE = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
"""When a run was to start, by the service: differs even between runs that start late at once."""


@workflow.defn(name=SCHEDULED_RUN)
class ScheduledRun:
    """As long as the case is open, so that the schedule knows whether two would overlap."""

    @workflow.run
    async def run(self, order: ScheduledOrder) -> ScheduledEnd:
        """Run one case to its end. Fails as the case fails."""
        now = workflow.now()
        due = workflow.info().typed_search_attributes.get(DUE, now)
        last = workflow.get_last_completion_result(ScheduledEnd)
        given = order.on(now.date(), last.result if last else None)
        asked = PromotionQuery(service=order.service, process=order.process, given=given)
        new = await ask(READ_PROMOTION, asked)
        runs = new.runs or RunsAs(process=order.process, prefix=order.prefix)
        if runs.grade:
            enter_grade(Grade(runs.grade))
        name = f"{runs.prefix}-{order.case}-{due:%Y%m%d-%H%M%S}"
        result = await workflow.execute_child_workflow(
            runs.process,
            new.given,
            id=name,
            task_queue=runs.queue(workflow.info().task_queue),
            memo={ONE_AT_A_TIME: True} if runs.sequential else None,
            task_timeout=HEARTBEAT,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            static_summary=f"scheduled {now:%Y-%m-%d}",
        )
        if order.review:
            await self.follow(order.review, name, result)
        return ScheduledEnd(case=name, result=result if order.goes_on else None)

    async def follow(self, schedule: str, case: str, result: Mapping[str, JSON]) -> None:
        """Have the next reviews on the days that follow from the tier this one found."""
        record = DecisionRecord.model_validate(result)
        days = review_days(schedule, case, record.tier, record.next_review_due)
        if days is not None:
            await ask(SET_REVIEW, days)
