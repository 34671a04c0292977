"""Prompts a vendor remembers: how much of a prompt is read from its cache, and written to it.

A marked prefix (Anthropic) is one block; without marks the longest known beginning counts, in
steps of 128 tokens. Below 1024 tokens nothing is kept, and nothing longer than five minutes.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic

from simulator.brain.mind import Question, tokens

LEAST, STEP, KEPT_SECONDS, MOST_KEPT = 1024, 128, 300.0, 50_000


@dataclass(frozen=True)
class Seen:
    """What the cache knows of a prompt, in tokens, and the keys to keep when it is billed."""

    cached: int = 0
    written: int = 0
    keys: tuple[str, ...] = ()


class PromptCache:
    """Beginnings of prompts, by vendor and model."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, float] = OrderedDict()

    def seen(self, question: Question) -> Seen:
        """Look a prompt up; keeps nothing."""
        prefixes = list(_prefixes(question))
        known = [length for length, key in prefixes if self._knows(key)]
        cached = max(known, default=0)
        longest = max((length for length, _ in prefixes), default=0)
        return Seen(cached, longest - cached, tuple(key for _, key in prefixes))

    def keep(self, keys: tuple[str, ...]) -> None:
        """Keep the beginnings of a prompt; the oldest make room."""
        now = self._clock()
        for key in keys:
            self._kept[key] = now
            self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def _knows(self, key: str) -> bool:
        return self._clock() - self._kept.get(key, float("-inf")) <= KEPT_SECONDS


def _prefixes(question: Question) -> Iterator[tuple[int, str]]:
    """Give the beginnings a vendor may keep: length in tokens, and key."""
    start = sha256(f"{question.vendor}\x1f{question.model}\x1f".encode())
    if question.marked is not None:
        if tokens(question.marked) >= LEAST:
            start.update(question.marked.encode())
            yield tokens(question.marked), start.hexdigest()
        return
    text = f"{question.system}\n{question.user}"
    done = 0
    for length in range(LEAST, len(text) // 4 + 1, STEP):
        start.update(text[done : length * 4].encode())
        done = length * 4
        yield length, start.copy().hexdigest()
