"""What a topic does, as pure functions: everybody told, in order, at least once, within bounds."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from workflows.data.events import Event, TopicAct, TopicMessage, TopicState
from workflows.patterns.topics import AT_ONCE, KNOWN, Delivery, due, receive, settle


def event(n: int) -> Event:
    return Event(name="price", id=str(n), sender="desk")


def publish(n: int) -> TopicMessage:
    return TopicMessage(topic="prices", act=TopicAct.PUBLISH, event=event(n))


def subscribe(who: str, retained: int = 0) -> TopicMessage:
    return TopicMessage(topic="prices", act=TopicAct.SUBSCRIBE, who=who, retained=retained)


def unsubscribe(who: str) -> TopicMessage:
    return TopicMessage(topic="prices", act=TopicAct.UNSUBSCRIBE, who=who)


@dataclass
class Run:
    """A topic by hand."""

    state: TopicState
    got: dict[str, list[str]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)

    def say(self, *messages: TopicMessage) -> None:
        for message in messages:
            self.state = receive(self.state, message)
            assert len(self.state.log) <= self.state.most

    def round(self, *, lost: bool = False) -> bool:
        """Deliver what is due; with `lost` the worker dies before it can note that."""
        deliveries = due(self.state)
        good = [d for d in deliveries if d.to not in self.dead]
        for one in good:
            self.got.setdefault(one.to, []).append(one.event.id)
        if not lost:
            self.state = settle(self.state, good, [d for d in deliveries if d.to in self.dead])
        return bool(deliveries)

    def drain(self) -> None:
        while self.round():
            pass


def made(keep: int = 3, most: int = 50) -> Run:
    return Run(TopicState(topic="prices", keep=keep, most=most, most_subscribers=5))


def test_subscribers_get_what_comes_after_them_in_order() -> None:
    run = made()
    run.say(subscribe("a"), publish(1), subscribe("b"), publish(2), publish(3))
    run.drain()
    assert run.got == {"a": ["1", "2", "3"], "b": ["2", "3"]}


@pytest.mark.parametrize(("retained", "first"), [(0, []), (2, ["4", "5"]), (9, ["3", "4", "5"])])
def test_a_late_subscriber_may_ask_for_the_last_events_kept(
    retained: int, first: list[str]
) -> None:
    run = made(keep=3)
    run.say(*(publish(n) for n in range(1, 6)), subscribe("late", retained))
    run.drain()
    run.say(publish(6))
    run.drain()
    assert run.got == {"late": [*first, "6"]}


def test_duplicates_are_forwarded_once_and_a_second_subscription_changes_nothing() -> None:
    run = made()
    run.say(subscribe("a"), publish(1), publish(1))
    run.drain()
    run.say(subscribe("a", 3), publish(1))
    run.drain()
    assert run.got == {"a": ["1"]}
    assert (run.state.published, run.state.duplicates, run.state.delivered) == (1, 2, 1)


def test_who_is_gone_or_unsubscribed_is_told_nothing_more() -> None:
    run = made()
    run.say(subscribe("a"), subscribe("b"), subscribe("c"))
    run.dead.add("a")
    run.say(publish(1))
    run.drain()
    run.say(unsubscribe("b"), publish(2))
    run.drain()
    assert run.got == {"b": ["1"], "c": ["1", "2"]}
    assert run.state.gone == 1
    assert [s.who for s in run.state.subscribers] == ["c"]


def test_more_subscribers_than_can_be_told_at_once_all_get_their_turn() -> None:
    """Those first in line are told the next event only after the last was told this one."""
    run = Run(TopicState(topic="prices"))
    run.say(*(subscribe(f"s{n}") for n in range(2 * AT_ONCE + 10)))
    run.say(publish(1), publish(2))
    for _ in range(3):
        run.round()
    assert len(run.got) == 2 * AT_ONCE + 10
    run.drain()
    assert set(map(tuple, run.got.values())) == {("1", "2")}


def test_subscribers_beyond_the_bound_are_refused_and_counted() -> None:
    run = made()
    run.say(*(subscribe(f"s{n}") for n in range(7)))
    assert (len(run.state.subscribers), run.state.refused) == (5, 2)


def test_a_subscriber_that_lags_beyond_the_bound_misses_events_and_it_is_counted() -> None:
    run = made(keep=2, most=4)
    run.say(subscribe("slow"), *(publish(n) for n in range(1, 11)))
    assert len(run.state.log) == 4
    run.drain()
    assert run.got == {"slow": ["7", "8", "9", "10"]}
    assert run.state.missed == 6


def test_what_is_known_again_is_bounded() -> None:
    run = made()
    run.say(*(publish(n) for n in range(KNOWN + 10)))
    assert len(run.state.known) == KNOWN


steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, 15)),
        st.tuples(st.just("subscribe"), st.integers(0, 4)),
        st.tuples(st.just("round"), st.just(0)),
        st.tuples(st.just("lost"), st.just(0)),
    ),
    max_size=40,
)


@given(steps)
@settings(max_examples=150, deadline=None, print_blob=True)
def test_every_subscriber_is_told_every_event_at_least_once_and_in_order(
    story: list[tuple[str, int]],
) -> None:
    """Also when deliveries are repeated because nobody could note them."""
    run = made()
    owed: dict[str, list[str]] = {}
    published: list[str] = []
    for what, n in story:
        if what == "publish":
            if str(n) not in published:
                published.append(str(n))
                for who in owed:
                    owed[who].append(str(n))
            run.say(publish(n))
        elif what == "subscribe":
            owed.setdefault(f"s{n}", [])
            run.say(subscribe(f"s{n}"))
        else:
            run.round(lost=what == "lost")
        run.state = TopicState.model_validate_json(run.state.model_dump_json())
    run.drain()
    for who, events in owed.items():
        assert list(dict.fromkeys(run.got.get(who, []))) == events


def test_settling_a_delivery_twice_moves_nobody_back() -> None:
    run = made()
    run.say(subscribe("a"), publish(1), publish(2))
    first = due(run.state)
    run.state = settle(run.state, first, [])
    run.state = settle(run.state, [Delivery("a", 2, event(2))], [])
    run.state = settle(run.state, first, [])
    assert due(run.state) == ()


@pytest.mark.parametrize(
    "message",
    [
        {"topic": "prices", "act": "publish"},
        {"topic": "prices", "act": "subscribe"},
        {"topic": "prices", "act": "publish", "who": "a", "event": {"name": "x", "id": "1"}},
        {"topic": "Prices!", "act": "subscribe", "who": "a"},
    ],
)
def test_a_message_that_makes_no_sense_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TopicMessage.model_validate(message)
