"""Which completions and messages made a workflow do what it did next, from its history alone."""

from collections.abc import Iterable, Sequence

from temporalio.api.history.v1 import HistoryEvent

from insight.flow import Certainty, Edge
from insight.news import Effect, News, Turn, turns
from insight.spans import Span, SpanKind
from insight.weighing import Evidence

MOST = 8
"""Possible causes told of one effect; of more, those that came nearest to the likely one."""


def edges(events: Iterable[HistoryEvent], spans: Iterable[Span]) -> tuple[Edge, ...]:
    """Tell what began each span that a command began, and what ended the run.

    `events` and `spans` are those of one run, ascending by id. Code in a workflow runs until it
    waits for something new, so a command is due to something its workflow task saw first: to the
    one such news, if there was but one (certain), else to one of them (possible). Exactly one
    cause of an effect is likely. An effect whose task is not in the history has no cause here.

    A request to cancel the run has no span: it counts as `START`, with the id of its own event.
    """
    known = {span.id: span for span in spans}
    evidence, open_turns, found = Evidence(known), [], []
    for turn in turns(events, known.values()):
        unsure = []
        for effect in turn.effects:
            local = effect.id in known and known[effect.id].kind is SpanKind.LOCAL
            choices = _choices(turn, effect, local=local)
            if len(choices) == 1 and not turn.blurred and (local or not turn.carried):
                found.append(_edge(choices[0], effect, Certainty.CERTAIN))
                evidence.learn(choices[0].cause, effect.id)
            elif choices:
                unsure.append((effect, choices))
        open_turns.append(unsure)
    for unsure in filter(None, open_turns):
        effects, all_choices = zip(*unsure, strict=True)
        likely = evidence.likely(effects, all_choices)
        for effect, choices, chosen in zip(effects, all_choices, likely, strict=True):
            found.extend(_possible(effect, choices, chosen))
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
    place = choices.index(chosen)
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
