"""Test workflows of steps: one process, its steps in either grade."""

from contextlib import suppress
from datetime import timedelta
from functools import partial

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from workflows.calls import Call, ask, only_in_workflow
from workflows.data.common import Record
from workflows.errors import JoinFailed, reason
from workflows.grades import Grade, graded, step
from workflows.patterns.failure import default
from workflows.patterns.join import Branch, join
from workflows.patterns.saga import Saga
from workflows.patterns.until import all_settled


class Order(Record):
    """Work of so many milliseconds that fails so many times, for good if `final`."""

    name: str
    ms: int = 1
    fails: int = 0
    final: bool = False


class Done(Record):
    """What became of an order."""

    name: str


class Orders(Record):
    """A step's input: what to do, and how the step shall end."""

    orders: tuple[Order, ...]
    end: str = "well"


class Said(Record):
    """A step's output."""

    said: tuple[str, ...]


# Longer than any order lasts: what waits to be cancelled does not fail before.
WORK = Call("test_work", Order, Done, timeout=timedelta(seconds=90), attempts=3)
UNDO = Call("test_undo", Order, Done, timeout=timedelta(seconds=90), attempts=3)
EFFECT = Call(
    "test_effect", Order, Done, timeout=timedelta(seconds=5), attempts=3, always_visible=True
)


@step("test_one_by_one", Orders, Said)
async def one_by_one(given: Orders) -> Said:
    """Do the orders in a row."""
    return Said(said=tuple([(await ask(WORK, order)).name for order in given.orders]))


@step("test_at_once", Orders, Said)
async def at_once(given: Orders) -> Said:
    """Do the orders at once, each failure kept as a word, then a step inside the step."""
    joined = await join(
        [Branch(o.name, partial(ask, WORK, o)) for o in given.orders],
        until=all_settled(),
        deadline=timedelta(seconds=30),
    )
    words = [o.status if o.value is None else o.value.name for o in joined.branches.values()]
    inner = await one_by_one(Orders(orders=(Order(name="last"),)))
    return Said(said=(*words, *inner.said))


@step("test_failing", Orders, Said)
async def failing(given: Orders) -> Said:
    """End in one of the ways a step can fail."""
    match given.end:
        case "call":
            await ask(WORK, Order(name="bad", fails=9))
        case "join":
            await join({"bad": partial(ask, WORK, Order(name="bad", fails=1, final=True))})
        case "own":
            raise ApplicationError("not today", 7, type="Own")
        case "bug":
            raise ValueError("a bug")
        case "gate":
            await join(
                [Branch("asks", _gate, on_failure=default("tolerated"))], until=all_settled()
            )
        case "timer" | "child" | "condition":
            await ONLY_IN_WORKFLOWS[given.end]()
        case "timer in a branch" | "child in a branch" | "condition in a branch":
            work = ONLY_IN_WORKFLOWS[given.end.removesuffix(" in a branch")]
            asks = Branch("asks", work, on_failure=default("tolerated"))
            await join([asks], until=all_settled())
        case "timer in a join whose failure is caught":
            with suppress(JoinFailed):
                await join({"asks": _timer})
        case "effect":
            await ask(EFFECT, Order(name="mail"))
        case "output":
            return Order(name="wrong")  # type: ignore[return-value]
    return Said(said=())


@step("test_undoing", Orders, Said)
async def undoing(given: Orders) -> Said:
    """Do orders with an undo each."""
    async with Saga() as saga:
        for order in given.orders:
            again = Order(name=f"undo-{order.name}")
            await saga.step(order.name, partial(ask, WORK, order), partial(ask, UNDO, again))
    return Said(said=())


async def _gate() -> str:
    only_in_workflow("gate 'review'")
    return "opened"


async def _timer() -> None:
    await workflow.sleep(0.01)


async def _child() -> None:
    nothing = Orders(orders=())
    await workflow.execute_child_workflow(
        "Stepper", args=["test_one_by_one", nothing], result_type=Said
    )


async def _condition() -> None:
    await workflow.wait_condition(lambda: True)


ONLY_IN_WORKFLOWS = {"timer": _timer, "child": _child, "condition": _condition}


STEPS = (one_by_one, at_once, failing, undoing)


@workflow.defn
class Stepper:
    """Runs one step in the grade the case was started with, and says how it ended."""

    @workflow.run
    async def run(self, name: str, given: Orders) -> Said:
        """Run the step of that name."""
        chosen = next(s for s in STEPS if s.name == name)
        try:
            return await chosen(given)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return Said(said=("ActivityError", error.activity_type, reason(error)))
        except JoinFailed as error:
            return Said(said=("JoinFailed", error.message))
        except ApplicationError as error:
            kind = error.type or type(error).__name__
            return Said(said=(kind, error.message, *(str(d) for d in error.details)))


@workflow.defn
class Mixed:
    """Runs one step fused inside a visible case, and one visibly."""

    @workflow.run
    async def run(self, given: Orders) -> Said:
        """Run both."""
        with graded(Grade.FUSED):
            first = await one_by_one(given)
        second = await at_once(given)
        return Said(said=(*first.said, *second.said))
