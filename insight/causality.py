"""Which completions and messages made a workflow do what it did next, from its history alone."""

from collections.abc import Iterable, Sequence

from temporalio.api.history.v1 import HistoryEvent

from insight.flow import Certainty, Edge
from insight.news import MOST, Effect, News, Turn, turns
from insight.spans import Span, SpanKind
from insight.weighing import Evidence


def edges(events: Iterable[HistoryEvent], spans: Iterable[Span]) -> tuple[Edge, ...]:
    """Tell what began each span that a command began, and what ended the run.

    `events` and `spans` are those of one run, ascending by id. Code in a workflow runs until it
    waits for something new, so a command is due to something its workflow task saw first: to the
    one such news, if there was but one (certain), else to one of them (possible). Exactly one
    cause of an effect is likely. An effect whose task is not in the history has no cause here.

    A request to cancel the run has no span: it counts as `START`, with the id of its own event.
    """
    known = {span.id: span for span in spans}
    read = turns(events, known.values())
    last = {effect.id: effect for turn in read for effect in turn.effects}  # of runs mixed in one
    evidence, found, unsure = Evidence(known), [], []
    for turn in read:
        effects, choices = [], []
        lists: dict[tuple[int, bool], list[News]] = {}
        for effect in (effect for effect in turn.effects if last[effect.id] is effect):
            local = effect.id in known and known[effect.id].kind is SpanKind.LOCAL
            if (effect.seen, local) not in lists:
                lists[effect.seen, local] = _choices(turn, effect, local=local)
            given = lists[effect.seen, local]
            clear = not turn.blurred and (local or effect.seen or not turn.carried)
            if len(given) == 1 and clear:
                found.append(_edge(given[0], effect, Certainty.CERTAIN))
                evidence.learn(given[0].cause, effect.id)
            elif given:
                effects.append(effect)
                choices.append(given)
        unsure.append((effects, choices))
    for effects, choices in unsure:
        chosen = evidence.likely(effects, choices)
        for effect, given, news in zip(effects, choices, chosen, strict=True):
            found.extend(_possible(effect, given, news))
    return tuple(sorted(found, key=lambda e: (e.effect if e.effect > 0 else float("inf"), e.event)))


def _choices(turn: Turn, effect: Effect, *, local: bool) -> list[News]:
    """Give the news an effect may be due to, in order, one for each cause.

    Where a turn had nothing new (it goes on with a long local activity), what came of it is the
    cause of all but further local activities, which may have been under way before.
    """
    own = turn.own[: effect.seen]
    told = own if turn.carried and own and not local else [*turn.news, *own]
    latest: dict[int, News] = {}
    for news in reversed(told):
        latest.setdefault(news.cause or -news.event.event_id, news)
    return list(reversed(latest.values()))


def _possible(effect: Effect, choices: Sequence[News], chosen: News) -> Iterable[Edge]:
    place = next(place for place, news in enumerate(choices) if news is chosen)
    first = max(0, min(place - MOST // 2, len(choices) - MOST))
    for news in choices[first : first + MOST]:
        yield _edge(news, effect, Certainty.POSSIBLE, likely=news is chosen)


def _edge(news: News, effect: Effect, certainty: Certainty, *, likely: bool = True) -> Edge:
    return Edge(
        cause=news.cause,
        effect=effect.id,
        event=news.event.event_id,
        certainty=certainty,
        likely=likely,
    )
