"""Topics: what a topic does with a message, as pure functions over its state.

Every subscriber has the number of the event to be told next; it moves on only when the event was
delivered. So each subscriber is told every event at least once and in the topic's order, however
often the topic starts anew; a late one may ask for the last events kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workflows.data.events import Event, Subscriber, TopicAct, TopicMessage, TopicState

KNOWN = 2_000
"""How many events a topic knows again."""
AT_ONCE = 200
"""Deliveries at once: a workflow may have 2,000 signals on their way."""


@dataclass(frozen=True)
class Delivery:
    """An event to be told to a subscriber; `number` is the topic's."""

    to: str
    number: int
    event: Event


def receive(state: TopicState, message: TopicMessage) -> TopicState:
    """Take a message; the same one again changes nothing."""
    match message.act:
        case TopicAct.SUBSCRIBE:
            return _subscribe(state, message.who, message.retained)
        case TopicAct.UNSUBSCRIBE:
            return _trimmed(_without(state, [message.who]))
        case TopicAct.PUBLISH:
            return _publish(state, message.event) if message.event else state


def due(state: TopicState) -> tuple[Delivery, ...]:
    """Give what is to be delivered now: one event for each subscriber that has one to come."""
    behind = [s for s in state.subscribers if s.next < _next_number(state)]
    return tuple(Delivery(s.who, s.next, state.log[s.next - state.first]) for s in behind[:AT_ONCE])


def settle(
    state: TopicState, delivered: Sequence[Delivery], gone: Sequence[Delivery]
) -> TopicState:
    """Note what was delivered; a subscriber that is gone is none any more."""
    told = {d.to: d.number for d in delivered}
    moved = tuple(
        # the end of the line, so that nobody beyond the first AT_ONCE is kept waiting
        sorted(
            (
                s.model_copy(update={"next": max(s.next, told[s.who] + 1)}) if s.who in told else s
                for s in state.subscribers
            ),
            key=lambda s: s.who in told,
        )
    )
    counts = {"delivered": state.delivered + len(delivered), "gone": state.gone + len(gone)}
    left = _without(state.model_copy(update={"subscribers": moved}), [d.to for d in gone])
    return _trimmed(left.model_copy(update=counts))


# ---- inside --------------------------------------------------------------------------------


def _next_number(state: TopicState) -> int:
    return state.first + len(state.log)


def _subscribe(state: TopicState, who: str, retained: int) -> TopicState:
    if any(s.who == who for s in state.subscribers):
        return state
    if len(state.subscribers) >= state.most_subscribers:
        return state.model_copy(update={"refused": state.refused + 1})
    start = max(_next_number(state) - min(retained, state.keep), state.first)
    new = Subscriber(who=who, next=start)
    return state.model_copy(update={"subscribers": (*state.subscribers, new)})


def _without(state: TopicState, who: Sequence[str]) -> TopicState:
    left = tuple(s for s in state.subscribers if s.who not in who)
    return state.model_copy(update={"subscribers": left})


def _publish(state: TopicState, event: Event) -> TopicState:
    if event.key in state.known:
        return state.model_copy(update={"duplicates": state.duplicates + 1})
    changed = {
        "log": (*state.log, event),
        "known": (*state.known, event.key)[-KNOWN:],
        "published": state.published + 1,
    }
    return _trimmed(state.model_copy(update=changed))


def _trimmed(state: TopicState) -> TopicState:
    """Let go of events beyond `keep` that everybody was told, and of all beyond `most`."""
    last = _next_number(state)
    needed = min((s.next for s in state.subscribers), default=last)
    first = max(state.first, min(needed, last - state.keep), last - state.most)
    missed = sum(max(first - s.next, 0) for s in state.subscribers)
    changed = {
        "first": first,
        "log": state.log[first - state.first :],
        "missed": state.missed + missed,
        "subscribers": tuple(
            s.model_copy(update={"next": max(s.next, first)}) for s in state.subscribers
        ),
    }
    return state.model_copy(update=changed)
