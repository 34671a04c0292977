"""Which completions and messages made a workflow do what it did next, from its history alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from temporalio.api.history.v1 import HistoryEvent

from insight.graph.flow import Certainty, Edge
from insight.graph.news import FAR, Effect, News, Turn, turns
from insight.graph.weighing import Evidence
from insight.history.spans import Span, SpanKind

MOST = 60_000
"""Edges told of one run: so many keep the longest history the server allows below 400 MB."""


@dataclass(frozen=True)
class Causes:
    """The edges of a run, and how many only possible ones were left out for their number."""

    edges: tuple[Edge, ...]
    left_out: int = 0


def causes(events: Iterable[HistoryEvent], spans: Iterable[Span], most: int = MOST) -> Causes:
    """Tell what began each span that a command began, and what ended the run.

    `events` and `spans` are those of one run, ascending by id. Code in a workflow runs until it
    waits for something new, so a command is due to something its workflow task saw first: to the
    one such news, if there was but one (certain), else to one of them (possible). Exactly one
    cause of an effect is likely. An effect whose task is not in the history has no cause here.

    A request to cancel the run has no span: it counts as `START`, with the id of its own event.
    Of more than `most` edges in all, those possible ones are left out that are far from the likely
    one of their effect.
    """
    known = {span.id: span for span in spans}
    read = turns(events, known.values())
    last = {effect.id: effect for turn in read for effect in turn.effects}  # of runs mixed in one
    evidence, found, unsure = Evidence(known), [], []
    for turn in read:
        doubtful = []
        for effect, given in _given(turn, known, last):
            if len(given.news) == 1 and given.clear:
                found.append(_edge(given.news[0], effect, Certainty.CERTAIN))
                evidence.learn(given.news[0].cause, effect.id)
            elif given.news:
                doubtful.append((effect, given))
        unsure.append(doubtful)
    choices = [given for doubtful in unsure for _, given in doubtful]
    each = _each([len(given.news) for given in choices], most - len(found))
    for doubtful in unsure:
        effects = [effect for effect, _ in doubtful]
        chosen = evidence.likely(effects, [given.news for _, given in doubtful])
        for (effect, given), news in zip(doubtful, chosen, strict=True):
            found.extend(_possible(effect, given.news, news, each))
    found.sort(key=lambda e: (e.effect if e.effect > 0 else float("inf"), e.event))
    left_out = sum(given.far + max(len(given.news) - each, 0) for given in choices)
    return Causes(tuple(found), left_out)


@dataclass(frozen=True)
class _Choices:
    """What an effect may be due to, one news for each cause; `far` counts what is too far back."""

    news: Sequence[News]
    far: int
    clear: bool


def _given(
    turn: Turn, known: dict[int, Span], last: dict[int, Effect]
) -> Iterator[tuple[Effect, _Choices]]:
    """Give the effects of a turn with their choices, which those that saw the same share."""
    lists: dict[tuple[int, bool], _Choices] = {}
    for effect in (effect for effect in turn.effects if last[effect.id] is effect):
        local = effect.id in known and known[effect.id].kind is SpanKind.LOCAL
        if (effect.seen, local) not in lists:
            lists[effect.seen, local] = _choices(turn, effect, local=local)
        yield effect, lists[effect.seen, local]


def _choices(turn: Turn, effect: Effect, *, local: bool) -> _Choices:
    """Give the news an effect may be due to, in order, one for each cause.

    Local activities may have been under way over several turns. Where a turn had nothing new, what
    came of it is the cause of all else.
    """
    own = turn.own[max(effect.seen - FAR, 0) : effect.seen]
    before = [*turn.under_way, *turn.news] if local else turn.news
    if turn.carried and own and not local:
        before = []
    told = [*before, *own][-FAR if own else 0 :]
    far = effect.seen + len(before) - len(told) + (turn.far if local or turn.carried else 0)
    latest: dict[int, News] = {}
    for news in reversed(told):
        latest.setdefault(news.cause or -news.event.event_id, news)
    clear = not turn.blurred and (local or effect.seen > 0 or not turn.carried)
    return _Choices(tuple(reversed(latest.values())), far, clear)


def _each(sizes: Sequence[int], room: int) -> int:
    """Give how many of each list may be told for all to fit into `room`; at least one."""
    for place, size in enumerate(sorted(sizes)):
        left = len(sizes) - place
        if size * left > room:
            return max(room // left, 1)
        room -= size
    return max(sizes, default=1)


def _possible(effect: Effect, choices: Sequence[News], chosen: News, most: int) -> Iterator[Edge]:
    """Give the edges of one effect; of more than `most`, those around the likely one."""
    place = next(place for place, news in enumerate(choices) if news is chosen)
    first = max(0, min(place - most // 2, len(choices) - most))
    for news in choices[first : first + most]:
        yield _edge(news, effect, Certainty.POSSIBLE, likely=news is chosen)


def _edge(news: News, effect: Effect, certainty: Certainty, *, likely: bool = True) -> Edge:
    return Edge(
        cause=news.cause,
        effect=effect.id,
        event=news.event.event_id,
        certainty=certainty,
        likely=likely,
    )
