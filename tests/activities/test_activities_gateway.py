"""What holds before a call is sent: replies of other scopes, the cache, breakers and budgets."""

import asyncio
import json
import sys
from decimal import Decimal

import pytest
from sqlalchemy import text

from activities import journalled
from activities.budgets import BudgetActivities
from activities.journalled import CallDesk
from activities.llm.ask import ModelActivities
from activities.wire import Wire
from runtime.catalogue import load
from runtime.context import CallContext, within_call
from runtime.settings import ROOT, Settings
from store.admission import Admission
from store.breakers import BreakerRule, BreakerState
from store.budgets import Budgets
from store.costs import Costs
from store.database import Store
from store.journal import ClaimState, Journal
from store.standing import FROM_CACHE
from tests.activities.outside import Canned, Outside, said
from tests.activities.running import SCOPE, fails, run
from tests.activities.test_activities_ask import COST, FINE, UNFIT, question
from workflows import calls
from workflows.data.budget import BudgetOrder, BudgetQuery
from workflows.data.limits import Limits
from workflows.data.llm import ModelAnswer, ModelRequest
from workflows.data.readings import ReferenceReading

DOWN = said({"error": {"code": "server_error"}}, 500)


@pytest.fixture
def models(settings: Settings, desk_of_calls: CallDesk) -> ModelActivities:
    answers = {"ReferenceReading": ReferenceReading}
    return ModelActivities(settings, load(ROOT / "llm.toml"), desk_of_calls, answers)


async def ask(
    models: ModelActivities, request: ModelRequest, *, scope: str = SCOPE, **more: object
) -> ModelAnswer:
    """Ask in another scope, or with more of a context."""
    context = CallContext(scope, "", "test", 1, **more)  # type: ignore[arg-type]

    async def within(given: ModelRequest) -> ModelAnswer:
        with within_call(context):
            return await models.ask_model(given)

    return await run(calls.ASK_MODEL, within, request)


def aged(seconds: float) -> ModelRequest:
    return question().model_copy(update={"max_age": seconds})


# ---- replies of other scopes -----------------------------------------------------------------


async def test_a_fork_reads_its_parents_replies_and_pays_for_what_is_new(
    models: ModelActivities, world: Outside, store: Store
) -> None:
    world.will(FINE, FINE)
    await ask(models, question(), scope="parent")
    again = await ask(models, question(), scope="fork", origins=("other", "parent"))
    assert (again.reused, again.usd, len(world.seen)) == (True, Decimal(0), 1)
    new = await ask(models, question(sample=1), scope="fork", origins=("parent",))
    assert new.usd > 0
    assert len(world.seen) == 2
    assert len(await Journal(store).calls("fork")) == 1, "a fork writes only what it sends"


async def test_the_cache_is_off_unless_asked_for_and_bounded_by_age(
    models: ModelActivities, world: Outside, store: Store
) -> None:
    world.will(FINE, FINE, FINE)
    await ask(models, question(), scope="first")
    assert not (await ask(models, question(), scope="second")).reused
    taken = await ask(models, aged(3600), scope="third")
    assert (taken.cached, taken.reused, taken.usd) == (True, True, Decimal(0))
    (row,) = await Journal(store).calls("third")
    assert (row.state, row.reason, row.usd) == (ClaimState.SETTLED, FROM_CACHE, Decimal(0))
    assert await Costs(store).calls("third") == []
    assert (await ask(models, aged(3600), scope="third")).reused, "the case keeps what it took"
    assert not (await ask(models, aged(0.000001), scope="fourth")).cached
    assert len(world.seen) == 3


async def test_tenants_share_no_answers(models: ModelActivities, world: Outside) -> None:
    world.will(FINE, FINE)
    await ask(models, aged(3600), scope="a", tenant="acme")
    assert not (await ask(models, aged(3600), scope="b", tenant="other")).cached
    assert (await ask(models, aged(3600), scope="c", tenant="other")).cached


async def test_an_answer_that_did_not_fit_is_not_handed_on(
    models: ModelActivities, world: Outside
) -> None:
    world.will(UNFIT, FINE, FINE)
    await ask(models, aged(3600), scope="a")
    other = await ask(models, aged(3600), scope="b")
    assert (other.cached, other.repaired) == (False, False)


# ---- breakers ----------------------------------------------------------------------------------


@pytest.fixture
def quick(desk_of_calls: CallDesk) -> CallDesk:
    desk_of_calls.breakers.rule = BreakerRule(at_least=3)
    return desk_of_calls


async def test_a_vendor_that_keeps_failing_is_left_alone_at_once(
    models: ModelActivities, world: Outside, quick: CallDesk
) -> None:
    world.will(DOWN, Canned(cut=0), DOWN)
    for sample in range(3):
        error = await fails(calls.ASK_MODEL, models.ask_model, question(sample=sample))
        assert error.type == "ModelUnavailable"
    error = await fails(calls.ASK_MODEL, models.ask_model, question(sample=3))
    assert (error.type, error.non_retryable) == ("ModelCircuitOpen", True)
    patient = question(sample=3).model_copy(update={"patient": True})
    error = await fails(calls.ASK_MODEL, models.ask_model, patient)
    assert (error.type, error.non_retryable) == ("ModelUnavailable", False)
    assert error.next_retry_delay is not None
    assert error.next_retry_delay.total_seconds() > 10
    assert len(world.seen) == 3
    (view,) = await quick.breakers.views()
    assert (view.service, view.state) == ("openai", BreakerState.OPEN)


async def test_what_is_paid_is_read_back_though_the_breaker_is_open(
    models: ModelActivities, world: Outside, quick: CallDesk
) -> None:
    world.will(FINE, DOWN, DOWN, DOWN, DOWN)
    await run(calls.ASK_MODEL, models.ask_model, question())
    for sample in range(1, 5):
        await fails(calls.ASK_MODEL, models.ask_model, question(sample=sample))
    assert (await quick.breakers.views())[0].state is BreakerState.OPEN
    assert (await run(calls.ASK_MODEL, models.ask_model, question())).reused


@pytest.mark.parametrize("refusal", [said({"error": {"code": "bad"}}, 400), said({}, 429)])
async def test_a_vendor_that_refuses_or_is_busy_is_up(
    models: ModelActivities, world: Outside, quick: CallDesk, refusal: Canned
) -> None:
    world.will(*[refusal] * 4)
    for sample in range(4):
        await fails(calls.ASK_MODEL, models.ask_model, question(sample=sample))
    assert (await quick.breakers.views())[0].state is BreakerState.CLOSED


# ---- budgets -----------------------------------------------------------------------------------


@pytest.fixture
def budgets(store: Store) -> BudgetActivities:
    return BudgetActivities(store)


def paid(sample: int = 0) -> ModelRequest:
    return question(sample=sample).model_copy(update={"budget": "case", "max_output_tokens": 100})


async def test_a_budget_pays_what_was_used_and_refuses_what_it_cannot_pay(
    models: ModelActivities, world: Outside, budgets: BudgetActivities
) -> None:
    world.will(FINE, FINE)
    order = BudgetOrder(name="case", usd=COST + Decimal("0.0003"))
    await run(calls.OPEN_BUDGET, budgets.open_budget, order)
    await run(calls.ASK_MODEL, models.ask_model, paid())
    error = await fails(calls.ASK_MODEL, models.ask_model, paid(1))
    assert (error.type, error.non_retryable) == ("BudgetSpent", True)
    assert error.details[0]["unit"] == "usd"
    assert Decimal(error.details[0]["left"]) < Decimal(error.details[0]["needed"])
    view = await run(calls.READ_BUDGET, budgets.read_budget, BudgetQuery(name="case"))
    assert (view.spent.usd, view.spent.calls, view.held.calls) == (COST, 1, 0)
    assert len(world.seen) == 1
    assert (await run(calls.ASK_MODEL, models.ask_model, paid())).reused, "nothing more is needed"


async def test_a_repair_the_budget_does_not_pay_for_tells_what_the_first_reply_cost(
    models: ModelActivities, world: Outside, budgets: BudgetActivities
) -> None:
    world.will(UNFIT)
    order = BudgetOrder(name="case", usd=COST + Decimal("0.0003"))
    await run(calls.OPEN_BUDGET, budgets.open_budget, order)
    error = await fails(calls.ASK_MODEL, models.ask_model, paid())
    assert (error.type, error.details[0]["usd"]) == ("BudgetSpent", str(COST))
    assert error.details[0]["unit"] == "usd"


async def test_a_reply_that_was_lost_counts_against_the_budget_and_a_refused_one_does_not(
    models: ModelActivities, world: Outside, budgets: BudgetActivities, store: Store
) -> None:
    world.will(DOWN, Canned(cut=0))
    await run(calls.OPEN_BUDGET, budgets.open_budget, BudgetOrder(name="case", calls=5))
    for sample in range(2):
        await fails(calls.ASK_MODEL, models.ask_model, paid(sample))
    view = await Budgets(store).view(SCOPE, "case")
    assert view is not None
    assert (view.spent.calls, view.unclear.calls, view.held.calls) == (0, 1, 0)


async def test_a_call_waits_for_the_budget_of_many_cases_until_it_is_raised(
    models: ModelActivities, world: Outside, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journalled, "LOOK_AT_BUDGET", 0.01)
    world.will(FINE, FINE, FINE)
    budgets = Budgets(store)
    await budgets.open("batch-1", BudgetOrder(name="batch", usd=COST + Decimal("0.0003")))
    small = paid().model_copy(update={"budget": ""})
    await ask(models, small, scope="batch-1:a", payer="batch-1 batch")
    waiting = asyncio.create_task(ask(models, small, scope="batch-1:b", payer="batch-1 batch"))
    async with asyncio.timeout(60):
        while not (view := await budgets.view("batch-1", "batch")) or not view.short:
            await asyncio.sleep(0.01)
    assert (view.spent.usd, view.spent.calls, len(world.seen)) == (COST, 1, 1)
    await budgets.open("batch-1", BudgetOrder(name="batch", usd=Decimal(1)))
    assert (await waiting).usd == COST
    view = await budgets.view("batch-1", "batch")
    assert view is not None
    assert (view.spent.calls, view.short, view.held.calls) == (2, False, 0)
    spent = await Costs(store).of("batch-1:")
    assert (spent.calls, spent.usd) == (2, 2 * COST)
    assert await Costs(store).of("batch-") == spent
    assert (await Costs(store).of("batch_1")).calls == 0
    assert (await Costs(store).of("batch-1:", whole=True)).calls == 0


async def test_a_budget_nobody_opened_is_named(models: ModelActivities) -> None:
    error = await fails(calls.ASK_MODEL, models.ask_model, paid())
    assert (error.type, error.non_retryable) == ("BudgetUnknown", True)


# ---- several workers on one store --------------------------------------------------------------


async def test_two_workers_make_the_same_call_of_a_case_once(
    settings: Settings, store: Store, wire: Wire, world: Outside
) -> None:
    answers = {"ReferenceReading": ReferenceReading}
    catalogue = load(ROOT / "llm.toml")
    desks = [
        CallDesk(store, wire, Admission(store, lambda *_: Limits(), f"worker-{n}"))
        for n in range(2)
    ]
    one, other = (ModelActivities(settings, catalogue, desk, answers) for desk in desks)
    world.will(FINE)
    world.hold()
    first = asyncio.ensure_future(run(calls.ASK_MODEL, one.ask_model, question()))
    await world.asked.wait()
    second = asyncio.ensure_future(run(calls.ASK_MODEL, other.ask_model, question()))
    await followed(desks[1])
    world.go_on()
    answered = [await first, await second]
    assert [a.reused for a in answered] == [False, True]
    assert len(world.seen) == 1
    assert await Journal(store).repeated_paid(SCOPE) == 0
    for desk in desks:
        await desk.close()


async def test_what_was_looked_up_before_a_wait_is_looked_up_again_after_it(
    settings: Settings, store: Store, wire: Wire, world: Outside
) -> None:
    """Two workers find a call unclaimed, and wait: the one that gets the second permit reads it."""
    answers = {"ReferenceReading": ReferenceReading}
    limits = Limits(concurrency=1)
    desks = [
        CallDesk(store, wire, Admission(store, lambda *_: limits, f"worker-{n}")) for n in range(2)
    ]
    catalogue = load(ROOT / "llm.toml")
    one, other = (ModelActivities(settings, catalogue, desk, answers) for desk in desks)
    world.will(FINE, FINE)
    world.hold()
    ahead = asyncio.ensure_future(run(calls.ASK_MODEL, one.ask_model, question(sample=1)))
    await world.asked.wait()
    both = [
        asyncio.ensure_future(run(calls.ASK_MODEL, models.ask_model, question()))
        for models in (one, other)
    ]
    while (
        sum(
            sum(pool.waiting.values())
            for pool in await desks[0].admission.pools()
            if not pool.model
        )
        < 2
    ):
        await asyncio.sleep(0)
    world.go_on()
    await ahead
    assert sorted(answer.reused for answer in await asyncio.gather(*both)) == [False, True]
    assert len(world.seen) == 2
    for desk in desks:
        await desk.close()


async def test_who_follows_a_call_whose_worker_dies_makes_it_itself(
    settings: Settings,
    store: Store,
    desk_of_calls: CallDesk,
    models: ModelActivities,
    world: Outside,
) -> None:
    world.will(FINE, FINE)
    world.hold()
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, str(settings.data), settings.simulator, cwd=ROOT
    )
    try:
        await world.asked.wait()
        following = asyncio.ensure_future(run(calls.ASK_MODEL, models.ask_model, question()))
        await followed(desk_of_calls)
        dying.kill()
        await dying.wait()
        async with store.writing() as connection:  # its last beat was long ago
            await connection.execute(text("DELETE FROM workers WHERE worker LIKE 'dying-%'"))
        while len(world.seen) < 2:
            await asyncio.sleep(0.05)
    finally:
        world.go_on()
    assert not (await following).reused
    uncertain = await Journal(store).uncertain(SCOPE)
    assert (len(world.seen), len(uncertain)) == (2, 1)


DYING = """
import asyncio, sys
from pathlib import Path
from activities.journalled import CallDesk
from activities.llm.ask import ModelActivities
from activities.wire import Wire
from runtime.settings import Settings
from store.admission import Admission
from store.database import Store
from tests.activities.running import run
from tests.activities.test_activities_ask import question
from workflows import calls
from workflows.data.readings import ReferenceReading
from workflows.data.limits import Limits
async def main():
    settings = Settings(data=Path(sys.argv[1]), simulator=sys.argv[2])
    store = await Store.open(settings.database)
    desk = CallDesk(store, Wire(settings), Admission(store, lambda *_: Limits(), "dying"))
    answers = {"ReferenceReading": ReferenceReading}
    models = ModelActivities(settings, settings.models, desk, answers)
    await run(calls.ASK_MODEL, models.ask_model, question())
asyncio.run(main())
"""


async def followed(desk: CallDesk) -> None:
    """Wait until the desk waits for a call of another worker."""
    while not desk.following:
        await asyncio.sleep(0)


def test_the_reply_used_here_is_what_the_vendor_sends() -> None:
    assert json.loads(FINE.body)["object"] == "response"
