"""Which of several possible causes is the likely one: what evidence there is, weighed."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from insight.graph.flow import END, START
from insight.graph.news import Effect, News, texts
from insight.history.drafts import when
from insight.history.spans import Span, SpanKind

Label = tuple[str, str, str]
"""Kind, name and outermost branch of a span; kind alone for the two ends of a run."""

_WORDS = re.compile(rb'"(?:[^"\\]|\\.){6,}"|\d{3,}')
"""Texts and numbers long enough to be known again."""
_LONGEST = 65_536
"""Bytes of an event's payloads that are looked into."""
_PAIRS = 500_000
"""Pairs of news and effects weighed in one run; of turns beyond, only the order is looked at."""


class Evidence:
    """What speaks for a cause: its branch, its data found in what was begun, and pairs like it."""

    def __init__(self, spans: Mapping[int, Span]) -> None:
        self.spans = spans
        self.pairs: set[tuple[Label, Label]] = set()
        self.room = _PAIRS
        self.told: dict[int, set[bytes]] = {}
        """The words of what the last turn knew; the next may know it too."""

    def learn(self, cause: int, effect: int) -> None:
        """Remember a certain cause: the same pair elsewhere in the run is the more likely."""
        if cause != START:  # which comes once
            self.pairs.add((self._label(cause), self._label(effect)))

    def likely(self, effects: Sequence[Effect], choices: Sequence[Sequence[News]]) -> list[News]:
        """Choose one news for each effect of a turn, out of its choices (two or more each)."""
        if (pairs := sum(map(len, choices))) <= self.room:
            self.room -= pairs
            best = self._strongest(effects, choices)
            keys = [tuple(news.event.event_id for news in found) for found in best]
        else:
            best, keys = list(choices), [(id(found),) for found in choices]
        alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, (effect, key) in enumerate(zip(effects, keys, strict=True)):
            alike[(effect.id, *key) if self._local(effect.id) else key].append(place)
        chosen: dict[int, News] = {}
        for places in alike.values():
            chosen |= zip(places, _in_order(best[places[0]], len(places)), strict=True)
        return [chosen[place] for place in range(len(effects))]

    def _strongest(
        self, effects: Sequence[Effect], choices: Sequence[Sequence[News]]
    ) -> list[Sequence[News]]:
        events = {n.event.event_id: n.event for found in choices for n in found}
        before = self.told
        self.told = {k: before[k] if k in before else words(texts(e)) for k, e in events.items()}
        often = Counter(word for said in self.told.values() for word in said)
        told = {key: {w for w in said if often[w] == 1} for key, said in self.told.items()}
        found: list[Sequence[News]] = []
        for effect, news in zip(effects, choices, strict=True):
            asked = words(texts(effect.event))
            scores = [self._score(n, effect, told[n.event.event_id], asked) for n in news]
            most = max(scores)
            best = [n for n, s in zip(news, scores, strict=True) if s == most]
            found.append(tuple(_started(best) or best))
        return found

    def _score(self, news: News, effect: Effect, told: set[bytes], asked: set[bytes]) -> int:
        pair = (self._label(news.cause), self._label(effect.id))
        akin = related(self._branch(news.cause), self._branch(effect.id))
        shared = not told.isdisjoint(asked)
        return 4 * akin + 2 * shared + (pair in self.pairs) - 8 * self._beside(news, effect)

    def _beside(self, news: News, effect: Effect) -> bool:
        """Tell whether a local activity had begun before the news, by its worker's clock."""
        cause, begun = self.spans.get(news.cause), self.spans.get(effect.id)
        if begun is None or not self._local(begun.id):
            return False
        if cause is not None and cause.kind is SpanKind.UPDATE:
            return False  # its event is written when the task ends
        told = cause.ended if cause is not None and self._local(cause.id) else when(news.event)
        return told is not None and begun.scheduled < told

    def _local(self, key: int) -> bool:
        return key in self.spans and self.spans[key].kind is SpanKind.LOCAL

    def _branch(self, key: int) -> str:
        return self.spans[key].branch if key in self.spans else ""

    def _label(self, key: int) -> Label:
        if (span := self.spans.get(key)) is None:
            return "end" if key == END else "start", "", ""
        return span.kind, span.name, span.branch.partition("/")[0]


def _started(news: Sequence[News]) -> list[News]:
    """Give the start of a run where only messages came beside it: most are kept for later."""
    only = all(n.message or n.cause == START for n in news)
    return [n for n in news if n.cause == START] if only else []


def _in_order(news: Sequence[News], count: int) -> list[News]:
    """Match news with `count` effects: coroutines wake in its order, and command in that order.

    The latest news goes to the last effect, and to the only one: what waits for several things
    wakes with the last of them. Messages are handled before all else.
    """
    waking = sorted(news, key=lambda n: not n.message)
    many = len(waking)
    if count >= many:
        return [waking[number * many // count] for number in range(count)]
    return waking[many - count :]


def words(found: Iterable[bytes]) -> set[bytes]:
    """Give the texts and numbers in JSON that are long enough to be known again."""
    return {word for text in found for word in _WORDS.findall(text[:_LONGEST])}


def related(one: str, other: str) -> bool:
    """Tell whether branches are the same, or one is within the other. No name, no relation."""
    if not one or not other:
        return False
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
