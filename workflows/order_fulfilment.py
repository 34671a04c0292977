"""Order fulfilment: payment, stock and label at once; money is taken last; a failure undoes all."""

from temporalio import workflow

from workflows.data.orders import OrderCase, OrderResult
from workflows.patterns.process import Process
from workflows.patterns.reminders import by_chat
from workflows.patterns.tasks import Tasks
from workflows.steps.orders.fulfilling import Fulfilment


@workflow.defn(name="order-fulfilment")
class OrderFulfilment(Process):
    """One customer's order, from payment to parcel."""

    @workflow.init
    def __init__(self, order: OrderCase) -> None:
        super().__init__("order-fulfilment", order.case, keys=order.keys)
        people = {name: frozenset({"desk"}) for name in order.desk}
        tasks = Tasks(self.desk.open, people, remind=by_chat(f"order {order.case}"))
        self.fulfilment = Fulfilment(self, order, workflow.info().workflow_id, tasks)

    @workflow.run
    async def run(self, order: OrderCase) -> OrderResult:
        """Get everything ready at once, send it off, take the money; a failure undoes all."""
        result = await self.fulfilment.run()
        await self.finish()
        self.enter("closed", result.outcome)
        return result

    def so_far(self) -> OrderResult:
        """Give what is sent, paid and undone by now."""
        return self.fulfilment.result
