"""Locks on a virtual-time loop, with the keeper's own rules behind the door."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from tests.patterns.lending import Lending
from tests.patterns.virtual import Trail, elapsed, run
from workflows.calls import open_door
from workflows.data.resources import KeeperAct, Pool
from workflows.errors import LeaseLost, Misuse, NotGranted, NotInStep
from workflows.patterns.clock import CLEAN_UP
from workflows.patterns.events import Inbox
from workflows.patterns.join import Branch, join
from workflows.patterns.locks import AGAIN, Lease, holding, pool
from workflows.patterns.until import all_settled
from workflows.scope import current_scope

T = TypeVar("T")


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


POOL = pool("bureau", {"licence": 1, "db": 10}, longest=timedelta(hours=1))
LONG = timedelta(days=2)


def take(inbox: Inbox, lease: float = 60, at_most: float | None = None, **wants: int) -> holding:
    longest = None if at_most is None else seconds(at_most)
    return holding(
        inbox, POOL, wants or {"licence": 1}, lease=seconds(lease), within=LONG, at_most=longest
    )


def told(work: Callable[[Lending], Awaitable[T]], **how: Any) -> T:
    """Run a story in a world with a keeper."""

    async def inside() -> T:
        lending = Lending(**how)
        with open_door(lending.door):
            result = await work(lending)
        lending.stop()
        return result

    return run(inside())


async def busy(lending: Lending, name: str, trail: Trail, time: float, **wants: int) -> Lease:
    async with take(lending.inbox(name), 3_000, **wants) as lease:
        await trail.work(name, time)()
    return lease


def test_one_at_a_time_in_order_of_arrival() -> None:
    async def story(lending: Lending) -> tuple[Trail, list[Lease]]:
        trail = Trail()
        work = [busy(lending, f"p{n}", trail, 10) for n in range(6)]
        return trail, list(await asyncio.gather(*work))

    trail, leases = told(story)
    assert trail.most == 1
    starts = [(at, what) for at, what in trail.log if what.endswith("starts")]
    assert starts == [(n * 10.0, f"p{n} starts") for n in range(6)]
    assert [x.token for x in leases] == sorted({x.token for x in leases}), "fencing tokens grow"


def test_amounts_are_shared_out_and_taken_together() -> None:
    """4 + 4 of 10 at once; the third waits for both its licence and its share."""

    async def story(lending: Lending) -> Trail:
        trail = Trail()
        await asyncio.gather(
            busy(lending, "a", trail, 10, db=4),
            busy(lending, "b", trail, 20, db=4, licence=1),
            busy(lending, "c", trail, 5, licence=1, db=4),
        )
        return trail

    assert [w for w in told(story).log if w[1].endswith("starts")] == [
        (0.0, "a starts"),
        (0.0, "b starts"),
        (20.0, "c starts"),
    ]


def test_with_n_ahead_that_never_release_the_wait_is_n_times_the_lease() -> None:
    async def dead(lending: Lending, name: str) -> None:
        inbox = lending.inbox(name)
        async with take(inbox, lease=60):
            await asyncio.Event().wait()

    async def story(lending: Lending) -> float:
        lending.failing.append(KeeperAct.RELEASE)  # dead: it says nothing any more
        ahead = [asyncio.ensure_future(dead(lending, f"dead{n}")) for n in range(5)]
        await asyncio.sleep(1)
        async with take(lending.inbox("last")):
            at = elapsed()
        errors = await asyncio.gather(*ahead, return_exceptions=True)
        assert [type(e) for e in errors] == [LeaseLost] * 5
        return at

    assert told(story) == 5 * 60.0


@pytest.mark.parametrize("end", ["normal", "error", "cancelled", "cancelled twice"])
def test_released_on_every_exit(end: str) -> None:
    async def body(lending: Lending) -> None:
        async with take(lending.inbox("a")):
            await asyncio.sleep(5 if end == "normal" else 1)
            if end == "error":
                raise ValueError("broken")
            await asyncio.sleep(5)

    async def story(lending: Lending) -> tuple[BaseException | None, list[str], float]:
        lending.slow[KeeperAct.RELEASE] = 2.0
        task = asyncio.ensure_future(body(lending))
        if end.startswith("cancelled"):
            await asyncio.sleep(3)
            task.cancel()
        if end == "cancelled twice":
            await asyncio.sleep(1)
            assert lending.holders == ["a"], "the release is on its way"
            task.cancel()
        (error,) = await asyncio.gather(task, return_exceptions=True)
        return error, lending.holders, elapsed()

    error, holders, at = told(story)
    kinds = {"normal": type(None), "error": ValueError}
    assert type(error) is kinds.get(end, asyncio.CancelledError)
    assert (holders, at) == ([], {"normal": 12.0, "error": 3.0}.get(end, 5.0))


def test_cancelled_while_it_waits_it_leaves_the_queue() -> None:
    async def story(lending: Lending) -> tuple[list[str], float]:
        trail = Trail()
        first = asyncio.ensure_future(busy(lending, "a", trail, 10))
        second = asyncio.ensure_future(busy(lending, "b", trail, 10))
        third = asyncio.ensure_future(busy(lending, "c", trail, 10))
        await asyncio.sleep(5)
        second.cancel()
        await asyncio.sleep(1)
        waiting = lending.waiting
        await asyncio.gather(first, second, third, return_exceptions=True)
        return waiting, elapsed()

    assert told(story) == (["c"], 20.0)


def test_not_granted_in_time_it_leaves_the_queue_and_is_not_granted_later() -> None:
    async def story(lending: Lending) -> list[str]:
        trail = Trail()
        first = asyncio.ensure_future(busy(lending, "a", trail, 100))
        await asyncio.sleep(1)
        late = holding(
            lending.inbox("b"), POOL, {"licence": 1}, lease=seconds(5), within=seconds(9)
        )
        with pytest.raises(NotGranted, match=r"1 licence not granted within 0:00:09; wait longer"):
            async with late:
                trail.note("never")
        assert elapsed() == 10
        await first
        return [*lending.holders, *lending.waiting, *[w for w in trail.words if w == "never"]]

    assert told(story) == []


def test_a_branch_that_was_given_up_still_releases() -> None:
    """Its scope is closed, so that every Call in it raises; the release goes out all the same."""

    async def stubborn(inbox: Inbox) -> None:
        async with take(inbox, lease=3_000):
            assert current_scope().name == "stubborn"
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                await asyncio.sleep(CLEAN_UP.total_seconds() + 5)

    async def story(lending: Lending) -> tuple[str, list[str], list[str]]:
        inbox = lending.inbox("a")
        joined = await join(
            [Branch("stubborn", lambda: stubborn(inbox))],
            until=all_settled(),
            deadline=seconds(10),
        )
        before = lending.holders
        await asyncio.sleep(10)
        return str(joined.branches["stubborn"].status), before, lending.holders

    assert told(story) == ("abandoned", ["a"], [])


# ---- leases --------------------------------------------------------------------------------


def test_a_lease_is_renewed_while_the_work_goes_on() -> None:
    async def story(lending: Lending) -> tuple[float, list[float]]:
        async with take(lending.inbox("a"), lease=20, at_most=300) as lease:
            await asyncio.sleep(95)
            assert not lease.lost
            assert lending.holders == ["a"]
        renewals = [at for at, _, act in lending.acts if act is KeeperAct.RENEW]
        return lease.until.timestamp(), renewals

    until, renewals = told(story)
    assert renewals == [9.0 * n for n in range(1, 11)]
    assert until == 108, "20 s from the last renewal, less a tenth"


@pytest.mark.parametrize(("at_most", "ends"), [(None, 18.0), (50, 48.0)])
def test_work_that_outlives_its_lease_is_cancelled_and_the_lease_is_lost(
    at_most: float | None, ends: float
) -> None:
    async def story(lending: Lending) -> tuple[float, bool]:
        cleaned = asyncio.Event()

        async def work() -> None:
            async with take(lending.inbox("a"), lease=20, at_most=at_most):
                try:
                    await asyncio.sleep(1_000)
                finally:
                    cleaned.set()

        with pytest.raises(LeaseLost, match="pool 'bureau' ended before the work under it"):
            await work()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)  # no cancellation is left over
        return elapsed(), cleaned.is_set()

    assert told(story) == (ends, True)


def test_work_that_will_not_be_stopped_still_learns_that_its_lease_was_lost() -> None:
    async def story(lending: Lending) -> float:
        async def work() -> None:
            async with take(lending.inbox("a"), lease=20) as lease:
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    assert lease.lost

        with pytest.raises(LeaseLost):
            await work()
        return elapsed()

    assert told(story) == 18


def test_an_error_of_the_work_is_not_hidden_by_the_end_of_its_lease() -> None:
    async def story(lending: Lending) -> None:
        async with take(lending.inbox("a"), lease=20):
            try:
                await asyncio.sleep(30)
            finally:
                raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        told(story)


@pytest.mark.parametrize("at", [18, 19])
def test_a_cancellation_from_outside_stays_one_when_the_lease_ends_too(at: float) -> None:
    """At the same moment, or while the lost lease is given back."""

    async def body(lending: Lending) -> None:
        async with take(lending.inbox("a"), lease=20):
            await asyncio.sleep(1_000)

    async def story(lending: Lending) -> tuple[bool, float]:
        lending.slow[KeeperAct.RELEASE] = 2.0
        task = asyncio.ensure_future(body(lending))
        asyncio.get_running_loop().call_at(at, task.cancel)
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled(), elapsed()

    assert told(story) == (True, 20)


def test_a_holder_whose_renewals_do_not_arrive_stops_before_another_starts() -> None:
    """By its own clock, whoever tells it or not."""

    async def story(lending: Lending) -> tuple[float, float]:
        trail = Trail()
        lending.failing.append(KeeperAct.RENEW)

        async def cut_off() -> None:
            async with take(lending.inbox("a"), lease=20, at_most=300):
                await trail.work("a", 100)()

        first = asyncio.ensure_future(cut_off())
        await asyncio.sleep(1)
        second = asyncio.ensure_future(busy(lending, "b", trail, 10))
        (error,) = await asyncio.gather(first, return_exceptions=True)
        stopped = elapsed()
        assert isinstance(error, LeaseLost)
        await second
        assert trail.most == 1
        return stopped, next(at for at, what in trail.log if what == "b starts")

    assert told(story) == (18.0, 18.0), "and gives back what is left of its lease"


def test_a_renewal_that_hangs_does_not_keep_the_holder_from_stopping() -> None:
    async def story(lending: Lending) -> float:
        lending.slow[KeeperAct.RENEW] = 500.0
        with pytest.raises(LeaseLost):
            async with take(lending.inbox("a"), lease=20, at_most=300):
                await asyncio.sleep(1_000)
        return elapsed()

    assert told(story) == 18


def test_a_keeper_that_was_lost_ends_the_leases_it_forgot() -> None:
    """At the next renewal: it does not know the lease, and says so."""

    async def story(lending: Lending) -> float:
        asyncio.get_running_loop().call_later(11, lending.lose)
        with pytest.raises(LeaseLost):
            async with take(lending.inbox("a"), lease=20, at_most=300):
                await asyncio.sleep(1_000)
        return elapsed()

    assert told(story) == 18


def test_a_request_its_keeper_lost_is_sent_again() -> None:
    async def story(lending: Lending) -> float:
        trail = Trail()
        first = asyncio.ensure_future(busy(lending, "a", trail, 30))
        await asyncio.sleep(1)
        second = asyncio.ensure_future(busy(lending, "b", trail, 10))
        asyncio.get_running_loop().call_later(5, lending.lose)
        await asyncio.gather(first, second)
        return next(at for at, what in trail.log if what == "b starts")

    assert told(story) == 1 + AGAIN.total_seconds()


def test_a_long_wait_asks_again_more_and_more_seldom() -> None:
    """A wait of a day is some thirty messages, not fifteen hundred."""

    async def story(lending: Lending) -> list[float]:
        day = pool("day", {"licence": 1}, longest=timedelta(days=1))

        async def hold(who: str, within: timedelta) -> None:
            one, lease = {"licence": 1}, timedelta(days=1)
            async with holding(lending.inbox(who), day, one, lease=lease, within=within):
                await asyncio.Event().wait()

        first = asyncio.ensure_future(hold("a", LONG))
        await asyncio.sleep(0)
        with pytest.raises(NotGranted):
            await hold("b", timedelta(hours=20))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        return [at for at, who, act in lending.acts if (who, act) == ("b", KeeperAct.REQUEST)]

    asked = told(story)
    assert asked[:5] == [0, 60, 180, 420, 900]
    assert len(asked) < 30


def test_a_grant_that_was_over_before_it_was_read_is_asked_for_anew() -> None:
    async def story(lending: Lending) -> tuple[float, int]:
        asyncio.get_running_loop().call_later(20, setattr, lending, "post", 0.0)
        async with take(lending.inbox("a"), lease=10) as lease:
            assert not lease.lost
            asked = [1 for _, _, act in lending.acts if act is KeeperAct.REQUEST]
            return elapsed(), len(asked)

    assert told(story, post=25.0) == (25.0, 2)


def test_nothing_of_a_lock_stays_in_the_inbox() -> None:
    async def story(lending: Lending) -> int:
        inbox = lending.inbox("a")
        for _ in range(20):
            async with take(inbox, lease=20, at_most=100):
                await asyncio.sleep(50)
        return len(inbox.arrivals)

    assert told(story) == 0


# ---- misuse --------------------------------------------------------------------------------


def bad(wants: dict[str, int] | None = None, **changes: Any) -> Callable[[], object]:
    given: dict[str, Any] = {"lease": seconds(10), "within": seconds(10), **changes}
    return lambda: holding(Inbox("p"), POOL, {"db": 1} if wants is None else wants, **given)


MISUSE: list[tuple[Callable[[], object], str]] = [
    (bad({"db": 11}), r"has 10 of 'db', never 11; ask for less, or declare more"),
    (bad({"fax": 1}), r"has no 'fax', only db, licence"),
    (bad({}), r"pool 'bureau': wants: "),
    (bad({"db": 0}), r"pool 'bureau': wants.db: "),
    (bad(lease=timedelta(hours=2)), r"lends for 1:00:00 at most, but lease is 2:00:00"),
    (bad(at_most=seconds(5)), r"make lease <= at_most <= the pool's longest"),
    (bad(lease=timedelta(0)), r"pool 'bureau': lease: "),
    (bad(within=timedelta(0)), r"within is 0:00:00; give a time to wait"),
    (lambda: pool("p", {}, longest=seconds(1)), r"pool 'p': amounts: "),
    (lambda: pool("p", {"db": 0}, longest=seconds(1)), r"pool 'p': amounts.db: "),
    (lambda: pool("p", {"db": 1}, longest=timedelta(0)), r"pool 'p': longest: "),
    (lambda: pool("Data Base", {"db": 1}, longest=seconds(1)), r"pool 'Data Base': name: "),
]


@pytest.mark.parametrize(("build", "said"), MISUSE, ids=[said[-24:] for _, said in MISUSE])
def test_what_can_never_be_lent_is_refused_when_built(
    build: Callable[[], object], said: str
) -> None:
    with pytest.raises(Misuse, match=said):
        build()


def one(name: str) -> Pool:
    return pool(name, {"db": 2}, longest=seconds(100))


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("a", "a", r"'a' is held already: .* take all that is needed at once"),
        ("b", "a", r"'a' is taken while 'b' is held: pools are taken in the order of their names"),
    ],
)
def test_an_order_in_which_processes_could_wait_for_each_other_is_refused(
    first: str, second: str, said: str
) -> None:
    """Before anything is asked; also in a branch that runs while its process holds."""

    async def hold(inbox: Inbox, name: str) -> None:
        async with holding(inbox, one(name), {"db": 1}, lease=seconds(50), within=seconds(50)):
            pass

    async def story(lending: Lending) -> int:
        inbox = lending.inbox("p")
        async with holding(inbox, one(first), {"db": 1}, lease=seconds(50), within=seconds(50)):
            with pytest.raises(Misuse, match=said):
                await hold(inbox, second)
            with pytest.raises(Misuse, match=said):
                await asyncio.ensure_future(hold(inbox, second))
        await hold(inbox, second)  # afterwards it is free to
        return len([1 for _, _, act in lending.acts if act is KeeperAct.REQUEST])

    assert told(story) == 2


def test_a_holding_is_entered_once() -> None:
    async def story(lending: Lending) -> None:
        lock = take(lending.inbox("p"))
        async with lock:
            pass
        async with lock:
            pass

    with pytest.raises(Misuse, match="entered before; make a new one"):
        told(story)


def test_a_fused_step_cannot_hold() -> None:
    async def story() -> None:
        lending = Lending()
        refuse: Callable[[str], Exception] = lambda what: NotInStep(f"{what} in a fused step")  # noqa: E731
        with open_door(lending.door, refuse=refuse):
            async with take(lending.inbox("p")):
                pass

    with pytest.raises(NotInStep, match="lock on pool 'bureau'"):
        run(story())
