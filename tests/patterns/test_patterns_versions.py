"""Records that several change: conflicts are read and decided again, and that is bounded."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError

from tests.patterns.virtual import run
from workflows.errors import Conflict, Contested, Misuse, call_failed
from workflows.patterns.versions import Updated, Versioned, update_record


@dataclass
class Account:
    """A record elsewhere: refuses a version that is not its own; `lag` seconds each way."""

    value: int = 100
    version: int = 1
    lag: float = 1.0
    writes: list[int] = field(default_factory=list)
    reads: int = 0

    async def read(self) -> Versioned[int]:
        await asyncio.sleep(self.lag)
        self.reads += 1
        return Versioned(self.value, self.version)

    async def write(self, wanted: Versioned[int]) -> str:
        await asyncio.sleep(self.lag)
        if wanted.version != self.version:
            raise call_failed(
                "set_balance", Conflict(f"version is {self.version}, not {wanted.version}")
            )
        self.value, self.version = wanted.value, self.version + 1
        self.writes.append(wanted.value)
        return f"receipt-{self.version}"


def add(amount: int) -> Callable[[int], Awaitable[int | None]]:
    async def decide(value: int) -> int | None:
        return value + amount

    return decide


async def deposit(account: Account, amount: int, attempts: int = 3) -> Updated[int, str]:
    return await update_record(
        account.read, add(amount), account.write, what="balance", attempts=attempts
    )


def test_without_a_rival_it_is_decided_once() -> None:
    account = Account()
    done = run(deposit(account, 5))
    assert (done.value, done.written, done.attempts) == (105, "receipt-2", 1)
    assert account.writes == [105]


def test_a_conflict_is_decided_again_on_what_is_there_now() -> None:
    """Two at once: neither change is lost, and nothing is written on an old value."""

    async def both(account: Account) -> list[int]:
        done = await asyncio.gather(deposit(account, 5), deposit(account, 7))
        return [d.attempts for d in done]

    account = Account()
    assert run(both(account)) == [1, 2]
    assert account.writes == [105, 112]


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None, print_blob=True)
def test_with_n_rivals_n_attempts_are_enough_and_none_is_lost(amounts: list[int]) -> None:
    """Of those that conflict one always gets through."""

    async def all_at_once(account: Account) -> list[int]:
        jobs = (deposit(account, a, attempts=len(amounts)) for a in amounts)
        return [d.attempts for d in await asyncio.gather(*jobs)]

    account = Account()
    attempts = run(all_at_once(account))
    assert account.value == 100 + sum(amounts)
    assert sorted(attempts) == list(range(1, len(amounts) + 1))


def test_attempts_are_bounded_and_the_error_says_what_and_how_to_go_on() -> None:
    async def restless(account: Account) -> None:
        async def decide(value: int) -> int | None:
            account.version += 1  # somebody else, every time
            return value + 1

        await update_record(account.read, decide, account.write, what="balance", attempts=3)

    account = Account()
    with pytest.raises(Contested, match=r"update of balance: 3 times .* take turns with a lock"):
        run(restless(account))
    assert (account.reads, account.writes) == (3, [])


def test_nothing_to_change_writes_nothing() -> None:
    async def story(account: Account) -> Updated[int, str]:
        async def decide(value: int) -> int | None:
            return None

        return await update_record(account.read, decide, account.write, what="balance")

    account = Account()
    done = run(story(account))
    assert (done.value, done.written, account.writes) == (100, None, [])


def test_another_error_of_the_write_is_raised_as_it_is_and_not_tried_again() -> None:
    async def story(account: Account) -> None:
        async def refuse(_wanted: Versioned[int]) -> str:
            raise ApplicationError("closed", type="EffectRefused")

        await update_record(account.read, add(1), refuse, what="balance")

    account = Account()
    with pytest.raises(ApplicationError, match="closed"):
        run(story(account))
    assert account.reads == 1


def test_no_attempt_is_refused() -> None:
    with pytest.raises(Misuse, match="update of balance: attempts is 0; give 1 or more"):
        run(deposit(Account(), 1, attempts=0))
