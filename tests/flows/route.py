"""Test workflows of routes: take a path, under load or not, and say so."""

from datetime import timedelta

from temporalio import workflow

from workflows.data.common import Record
from workflows.data.route import LoadLevel
from workflows.patterns.route import RouteLog, read_load
from workflows.patterns.route_rows import ANY, Factor, row
from workflows.patterns.route_table import RouteTable

VENDOR = "llm-lonely"
BUSY_FROM = 3

DEPTH = RouteTable(
    "depth",
    paths=("full", "short"),
    factors=(Factor("load", LoadLevel), Factor("urgent", (True, False))),
    rows=(
        row("short", load=ANY, urgent=ANY),
        row("full", load=LoadLevel.CALM, urgent=False),
    ),
    policy="depth-1",
)


class Order(Record):
    """How often to choose, and whether the last time is urgent."""

    times: int = 1
    last_urgent: bool = False


@workflow.defn(name="test-routed")
class Routed:
    """Chooses by load, so many times, and gives the paths."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        self.routes = RouteLog()

    @workflow.run
    async def run(self, order: Order) -> list[str]:
        paths = []
        for number in range(order.times):
            load = await read_load(VENDOR, busy_from=BUSY_FROM)
            urgent = order.last_urgent and number == order.times - 1
            paths.append(await self.routes.take(DEPTH.choose(load=load, urgent=urgent)))
        return paths


@workflow.defn(name="test-two-logs")
class TwoLogs:
    """Makes a second log, which is misuse."""

    @workflow.run
    async def run(self) -> None:
        RouteLog()
        RouteLog()


@workflow.defn(name="test-crowd")
class Crowd:
    """Lets activities queue up where nobody works."""

    @workflow.run
    async def run(self, queue: str) -> None:
        for _ in range(BUSY_FROM):
            workflow.start_activity(
                "nobody", task_queue=queue, start_to_close_timeout=timedelta(minutes=1)
            )
        await workflow.wait_condition(lambda: False)
