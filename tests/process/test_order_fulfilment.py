"""Order fulfilment on a real server: each way through, lost answers, cancelled at each step."""

import asyncio

import pytest
from temporalio.client import WorkflowFailureError

from simulator.config import Fault, FaultKind
from tests.support.world import World, example
from workflows.data.orders import OrderCase, OrderOutcome, OrderResult

pytestmark = pytest.mark.server

SERVICES = ("payments", "warehouses", "carrier")


async def ended(here: World, name: str, **changes: object) -> tuple[OrderResult, dict[str, str]]:
    """Run an order; give its result, and how everything of it stands by `service/number`."""
    handle = await here.begin(
        "order-fulfilment", example(f"order-fulfilment/{name}", OrderCase, **changes)
    )
    result = await here.done(handle, OrderResult)
    return result, await standing(here, handle.id)


async def standing(here: World, number: str) -> dict[str, str]:
    """Read how payment, reservations and labels of one order stand."""
    held = (await here.book())["held"]
    found = {f"{s}/{what}": state for s in SERVICES for what, state in held[s].items()}
    return {what.replace(number, "N"): state for what, state in found.items() if number in what}


async def test_each_way_through_leaves_the_books_balanced(here: World) -> None:
    ready, split, nowhere, declined = await asyncio.gather(
        *(ended(here, name) for name in ("ready", "split", "out_of_stock", "declined"))
    )
    assert ready[0].outcome is OrderOutcome.FULFILLED
    assert [p.warehouse for p in ready[0].parcels] == ["hamburg"]
    assert ready[0].released == ("lyon",)
    assert ready[1] == {
        "payments/N": "captured",
        "warehouses/hamburg:N": "shipped",
        "warehouses/lyon:N": "released",
        "carrier/N-1": "made",
    }
    assert {(p.warehouse, p.skus) for p in split[0].parcels} == {
        ("lyon", ("mirror-round",)),
        ("gdansk", ("table-ash",)),
    }
    assert sorted(split[1].values()) == ["captured", "made", "made", "shipped", "shipped"]
    assert nowhere[0].outcome is OrderOutcome.OUT_OF_STOCK
    assert declined[0].outcome is OrderOutcome.DECLINED
    for _, left in (nowhere, declined):
        assert set(left.values()) <= {"voided", "released"}
    told = [m["subject"] for m in (await here.book())["mails"]]
    assert sorted(told) == ["Your order is on its way"] * 2 + ["Your order was not sent"] * 2


@pytest.mark.parametrize("service", SERVICES)
async def test_an_answer_that_is_lost_is_found_out_and_nothing_done_twice(
    here: World, service: str
) -> None:
    await here.faults(Fault(service=service, kind=FaultKind.DROP, times=2))
    result, left = await ended(here, "ready")
    assert result.outcome is OrderOutcome.FULFILLED
    assert left["payments/N"] == "captured"
    assert set((await here.book())["effects"]["by_action"].values()) == {1}


async def test_a_capture_that_is_refused_undoes_everything(here: World) -> None:
    payment = {"token": "card-3350-lapsed", "currency": "EUR"}
    result, left = await ended(here, "split", payment=payment)
    assert result.outcome is OrderOutcome.DECLINED
    assert sorted(left.values()) == ["released", "released", "voided", "voided", "voided"]
    assert set(result.undone) >= {"payment", "label 1", "label 2"}


PHASES = {
    "payment, stock and label": ("payments", '"authorise"'),
    "shipping": ("warehouses", '"ship"'),
    "capture": ("payments", '"capture"'),
}
"""Each phase with an order of it, which takes so long that nobody comes too late to cancel."""


@pytest.mark.parametrize("phase", PHASES)
async def test_cancelled_in_any_phase_nothing_half_done_remains(here: World, phase: str) -> None:
    service, order = PHASES[phase]
    await here.faults(Fault(service=service, kind=FaultKind.SLOW, seconds=30, body=order, times=1))
    handle = await here.begin("order-fulfilment", example("order-fulfilment/split", OrderCase))
    await here.until(handle, "status", lambda status: status["phase"] == phase)
    await handle.cancel()
    with pytest.raises(WorkflowFailureError):
        await handle.result()
    left = await standing(here, handle.id)
    assert set(left.values()) <= {"voided", "refunded", "released"}
    assert (await here.book())["mails"] == []
