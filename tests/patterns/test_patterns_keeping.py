"""The keeper's rules as pure functions: never over the amount, nobody overtaken, bounded waits."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.data.resources import (
    KeeperAct,
    KeeperMessage,
    KeeperState,
    Notice,
    NoticeKind,
    Pool,
    Request,
)
from workflows.patterns.keeping import REMEMBERED, Turn, expire, free, gone, next_expiry, take

START = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST = timedelta(seconds=20)
POOL = Pool(name="bureau", amounts={"licence": 1, "db": 10, "desk": 3}, longest=LONGEST)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def request(id: str, lease: float = 10, at_most: float = 0, **wants: int) -> Request:
    longest = seconds(max(at_most, lease))
    return Request(id=id, holder=f"p-{id}", wants=wants, lease=seconds(lease), at_most=longest)


@dataclass
class Kept:
    """A keeper by hand: a clock, its state, all it told, and when each request was granted."""

    state: KeeperState = field(default_factory=lambda: KeeperState(pool=POOL))
    now: datetime = START
    told: list[Notice] = field(default_factory=list)
    granted: dict[str, datetime] = field(default_factory=dict)
    tokens: list[int] = field(default_factory=list)

    def keep(self, turn: Turn) -> None:
        self.state = turn.state
        self.told += turn.notices
        for notice in turn.notices:
            if notice.kind is NoticeKind.GRANTED and notice.request not in self.granted:
                assert isinstance(notice.body, dict)
                self.granted[notice.request] = self.now
                self.tokens.append(int(str(notice.body["token"])))
        self.check()

    def check(self) -> None:
        assert min(free(self.state).values()) >= 0, "lent more than there is"
        assert self.tokens == sorted(set(self.tokens)), "tokens grow"
        assert all(self.now < h.until <= h.granted + h.request.at_most for h in self.state.held)
        left = free(self.state)
        for n, waiting in enumerate(self.state.waiting):
            rivals = [r for r in self.state.waiting[:n] if r.wants.keys() & waiting.wants.keys()]
            assert rivals or any(left[name] < k for name, k in waiting.wants.items()), (
                f"{waiting.id} waits although it could start"
            )

    def say(self, act: KeeperAct, what: Request, pool: Pool = POOL) -> None:
        self.keep(take(self.state, KeeperMessage(pool=pool, act=act, request=what), self.now))

    def ask(self, what: Request, pool: Pool = POOL) -> None:
        self.say(KeeperAct.REQUEST, what, pool)

    def later(self, time: timedelta) -> None:
        """Let time pass, from one end of a lease to the next, as the workflow's timer does."""
        end = self.now + time
        while (due := next_expiry(self.state)) is not None and due <= end:
            self.now = due
            self.keep(expire(self.state, due))
        self.now = end

    def kinds(self, id: str) -> list[str]:
        return [str(n.kind) for n in self.told if n.request == id]

    @property
    def holders(self) -> list[str]:
        return [h.request.id for h in self.state.held]

    @property
    def waiting(self) -> list[str]:
        return [r.id for r in self.state.waiting]


# ---- fairness and bounds -------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7, 50])
def test_with_n_ahead_and_lease_l_the_last_waits_at_most_n_times_l(count: int) -> None:
    """Nobody ever releases: each start waits for the end of the lease before it."""
    kept = Kept()
    for n in range(count + 1):
        kept.ask(request(f"r{n}", lease=10, licence=1))
    kept.later(count * seconds(10))
    assert [kept.granted[f"r{n}"] - START for n in range(count + 1)] == [
        n * seconds(10) for n in range(count + 1)
    ]


def test_a_large_request_is_not_starved_by_small_ones() -> None:
    """A stream of small ones, one every second: none passes the large one that came before it."""
    kept = Kept()
    for n in range(10):
        kept.ask(request(f"before{n}", lease=10, db=1))
        kept.later(seconds(1))
    kept.ask(request("large", lease=10, db=10))
    asked = kept.now
    for n in range(30):
        kept.ask(request(f"after{n}", lease=10, db=1))
        kept.later(seconds(1))
    assert kept.granted["large"] - asked <= seconds(10)
    after = [at for id, at in kept.granted.items() if id.startswith("after")]
    assert after, "the small ones have their turn too"
    assert min(after) >= kept.granted["large"] + seconds(10)


def test_who_wants_something_else_passes() -> None:
    kept = Kept()
    kept.ask(request("a", licence=1))
    kept.ask(request("b", licence=1, db=9))
    kept.ask(request("c", db=2))
    kept.ask(request("d", desk=1))
    assert kept.holders == ["a", "d"]
    assert kept.waiting == ["b", "c"], "c wants of db, which the older b waits for"


def test_all_is_lent_at_once_or_nothing() -> None:
    """Two that want both in whatever order do not wait for each other."""
    kept = Kept()
    kept.ask(request("a", db=8, licence=1))
    kept.ask(request("b", licence=1, db=8))
    assert (kept.holders, kept.waiting) == (["a"], ["b"])
    assert free(kept.state) == {"licence": 0, "db": 2, "desk": 3}
    kept.say(KeeperAct.RELEASE, request("a", db=8, licence=1))
    assert (kept.holders, kept.waiting) == (["b"], [])


names = st.sampled_from(sorted(POOL.amounts))
wants = st.dictionaries(names, st.integers(1, 10), min_size=1).map(
    lambda some: {n: min(k, POOL.amounts[n]) for n, k in some.items()}
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), wants, st.integers(1, 10), st.integers(1, 20)),
        st.tuples(st.just("release"), st.integers(0, 30)),
        st.tuples(st.just("renew"), st.integers(0, 30)),
        st.tuples(st.just("again"), st.integers(0, 30)),
        st.tuples(st.just("gone"), st.integers(0, 30)),
        st.tuples(st.just("later"), st.integers(0, 12)),
    ),
    max_size=40,
)


@given(steps)
@settings(max_examples=250, deadline=None, print_blob=True)
def test_whatever_happens_it_stays_safe_fair_and_live(
    story: list[tuple[str, object, object, object]],
) -> None:
    """Safety after each step (`Kept.check`); arrival order per resource; the bound on waits."""
    kept = Kept()
    asked: dict[str, tuple[Request, datetime, int]] = {}
    for what, *how in story:
        ids = list(asked)
        if what == "ask":
            lease, longest = how[1], how[2]
            assert isinstance(how[0], dict)
            assert isinstance(lease, int)
            assert isinstance(longest, int)
            made = request(f"r{len(asked)}", lease, longest, **how[0])
            ahead = len(kept.state.held) + len(kept.state.waiting)
            asked[made.id] = (made, kept.now, ahead)
            kept.ask(made)
        elif what == "later":
            kept.later(seconds(float(str(how[0]))))
        elif ids:
            one = asked[ids[int(str(how[0])) % len(ids)]][0]
            before = (kept.state.held, kept.state.waiting)
            if what == "gone":
                kept.keep(gone(kept.state, one.holder, kept.now))
                assert one.id not in (*kept.holders, *kept.waiting)
            elif what == "again":
                kept.ask(one)
                assert (kept.state.held, kept.state.waiting) == before, "a message twice"
            else:
                kept.say(KeeperAct(what), one)
    kept.later((len(kept.state.held) + len(kept.state.waiting)) * LONGEST)
    assert (kept.holders, kept.waiting) == ([], []), "everybody has had a turn"
    for id, at in kept.granted.items():
        _, since, ahead = asked[id]
        assert at - since <= ahead * LONGEST
    order = list(kept.granted)
    for n, first in enumerate(order):
        for then in order[n + 1 :]:
            if asked[first][0].wants.keys() & asked[then][0].wants.keys():
                assert list(asked).index(first) < list(asked).index(then), "overtaken"


# ---- leases --------------------------------------------------------------------------------


def test_the_end_of_a_lease_frees_what_was_held_and_tells_both() -> None:
    kept = Kept()
    kept.ask(request("dead", lease=5, licence=1))
    kept.ask(request("next", lease=5, licence=1))
    kept.later(seconds(4.999))
    assert kept.holders == ["dead"]
    kept.later(seconds(0.001))
    assert kept.holders == ["next"]
    assert (kept.kinds("dead"), kept.kinds("next")) == (["granted", "lost"], ["granted"])
    assert kept.state.counts.expired == 1


def test_renewal_lengthens_a_lease_up_to_its_bound() -> None:
    kept = Kept()
    made = request("a", lease=5, at_most=12, licence=1)
    kept.ask(made)
    ends = []
    for _ in range(4):
        kept.later(seconds(3))
        kept.say(KeeperAct.RENEW, made)
        ends += [(h.until - START).total_seconds() for h in kept.state.held]
    assert ends == [8, 11, 12], "12 s is the bound, and then it was over"
    assert kept.kinds("a") == ["granted", "lost"]


def test_a_renewal_that_comes_too_late_does_not_bring_the_lease_back() -> None:
    """Even if no timer has fired in between."""
    kept = Kept()
    made = request("a", lease=5, at_most=20, licence=1)
    kept.ask(made)
    kept.now = START + seconds(5)
    kept.say(KeeperAct.RENEW, made)
    assert kept.holders == []
    assert kept.kinds("a") == ["granted", "lost"]


def test_a_renewal_nobody_knows_of_is_answered() -> None:
    """As after a keeper was terminated: the holder must learn that its lease is worth nothing."""
    kept = Kept()
    kept.say(KeeperAct.RENEW, request("a", licence=1))
    assert kept.kinds("a") == ["lost"]


def test_a_request_that_comes_after_its_own_release_is_not_taken() -> None:
    """A first attempt may arrive after all, when the process has given up and moved on."""
    kept = Kept()
    made = request("a", licence=1)
    kept.say(KeeperAct.RELEASE, made)
    kept.ask(made)
    assert (kept.holders, kept.waiting) == ([], [])


def test_what_is_remembered_of_the_past_is_bounded() -> None:
    kept = Kept()
    for n in range(REMEMBERED + 50):
        kept.say(KeeperAct.RELEASE, request(f"r{n}", licence=1))
    assert len(kept.state.done) == REMEMBERED
    assert kept.state.done[-1] == f"r{REMEMBERED + 49}"


def test_tokens_grow_on_after_a_keeper_was_lost() -> None:
    """A new keeper knows no token, but its clock is later."""
    old, new = Kept(), Kept(now=START + seconds(60))
    old.ask(request("a", licence=1))
    new.ask(request("b", licence=1))
    assert new.tokens[0] > old.tokens[0]


def test_a_process_that_ended_gives_back_what_it_has_and_wants() -> None:
    kept = Kept()
    kept.ask(request("a", licence=1))
    kept.ask(request("b", licence=1))
    kept.keep(gone(kept.state, "p-a", kept.now))
    assert (kept.holders, kept.state.counts.gone) == (["b"], 1)


# ---- refusals ------------------------------------------------------------------------------

OTHER = POOL.model_copy(update={"amounts": {"licence": 2}})
NEWER = POOL.model_copy(update={"amounts": {"licence": 1, "db": 4}, "version": 2})


@pytest.mark.parametrize(
    ("made", "pool", "said"),
    [
        (request("a", db=11), POOL, "has 10 of 'db', never 11"),
        (request("a", fax=1), POOL, "has no 'fax', only db, desk, licence"),
        (request("a", lease=21, db=1), POOL, "lends for 0:00:20 at most"),
        (request("a", licence=1), OTHER, "version 1 is declared in two ways"),
    ],
    ids=["too much", "unknown", "too long", "two declarations"],
)
def test_what_can_never_be_lent_is_refused_with_the_reason(
    made: Request, pool: Pool, said: str
) -> None:
    kept = Kept()
    kept.ask(made, pool)
    assert kept.kinds("a") == ["refused"]
    assert said in str(kept.told[0].body)
    assert kept.waiting == []


def test_the_queue_is_bounded() -> None:
    small = POOL.model_copy(update={"most_waiting": 2})
    kept = Kept(KeeperState(pool=small))
    for n in range(4):
        kept.ask(request(f"r{n}", licence=1), small)
    assert (kept.holders, kept.waiting) == (["r0"], ["r1", "r2"])
    assert kept.kinds("r3") == ["refused"]


def test_a_newer_declaration_counts_and_refuses_what_it_can_never_meet() -> None:
    """Less db: nothing is taken away, nothing is lent until there is enough again."""
    kept = Kept()
    kept.ask(request("old", db=8))
    kept.ask(request("big", db=6))
    turn = take(
        kept.state,
        KeeperMessage(pool=NEWER, act=KeeperAct.REQUEST, request=request("small", db=4)),
        START,
    )
    assert turn.state.pool == NEWER
    assert [(n.request, n.kind) for n in turn.notices] == [("big", NoticeKind.REFUSED)]
    assert [r.id for r in turn.state.waiting] == ["small"]
    after = expire(turn.state, START + seconds(10))
    assert [h.request.id for h in after.state.held] == ["small"]
    kept.state = after.state
    kept.now += seconds(10)
    kept.ask(request("late", desk=1))
    assert kept.kinds("late") == ["refused"], "an older declaration does not come back"
