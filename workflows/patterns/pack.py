"""Pack: small items of one kind share one call; what comes back wrong is asked alone.

tones = Pack("tone", tone_prompt, into=Tones, each=Tone)
found = await tones(items, partial(self.consult, "triage"))
"""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from temporalio.exceptions import is_cancelled_exception

from workflows.data.common import Record
from workflows.data.llm import Prompt
from workflows.data.pack import DroppedItem, PackCall, PackItem, PackRecord
from workflows.data.tokens import prompt_tokens, tokens
from workflows.errors import BudgetSpent, Misuse, reason
from workflows.patterns.branch import Work
from workflows.patterns.checks import is_whole, listed, must_call
from workflows.patterns.consult import Consulted
from workflows.patterns.join import join
from workflows.patterns.pack_match import match
from workflows.patterns.respondents import WRONG, Asking, Respondent
from workflows.patterns.until import all_settled

E = TypeVar("E", bound=Record)
I = TypeVar("I", bound=Record)  # noqa: E741 - an item's answer
FRAME = 12
"""Tokens an item takes besides its text: its id, its braces."""


class Asks(Protocol[E]):
    """How a model is asked: `partial(self.consult, role)`, or `partial(consult, chain)`."""

    def __call__(
        self, prompt: Prompt, record: type[E], /, *, sample: int
    ) -> Awaitable[Consulted[E]]:
        """Ask for a record. Raises ModelUnavailable, BudgetSpent."""
        ...


@dataclass(frozen=True)
class Packed(Generic[I]):
    """The answers by id, in the order of the items; those in `record.unanswered` have none."""

    values: dict[str, I]
    record: PackRecord


class Pack(Generic[E, I]):
    """A question that may be asked about many items at once, in calls of at most `max_items` items
    and `max_tokens` of theirs, `limit` calls at once. A longer item has a call of its own.

    `prompt` writes the question about some items, in the order given. `into` is the record of its
    answer, with `items` (see `Shaped`) that fit the record `each`, which has the `id` it was asked
    about. Raises Misuse if answers could not be matched or nothing would be asked.
    """

    def __init__(
        self,
        name: str,
        prompt: Callable[[Sequence[PackItem]], Prompt],
        *,
        into: type[E],
        each: type[I],
        max_items: int = 20,
        max_tokens: int = 4_000,
        limit: int = 8,
    ) -> None:
        self.name, self.into, self.each, self.limit = name, into, each, limit
        self._prompt, self._bounds = prompt, (max_items, max_tokens)
        must_call(prompt, f"pack {name!r}: prompt")
        for record, wanted in ((into, "items"), (each, "id")):
            if wanted not in getattr(record, "model_fields", ()):
                raise Misuse(
                    f"pack {name!r}: {record!r} has no {wanted}; answers are matched by it"
                )
        for bound in (max_items, max_tokens, limit):
            if not is_whole(bound) or bound < 1:
                raise Misuse(f"pack {name!r}: {bound!r} lets nothing through; use 1 or more")
        self._schema = json.dumps(into.model_json_schema(), separators=(",", ":"))

    async def __call__(
        self, items: Sequence[PackItem], ask: Asks[E], *, sample: int = 0
    ) -> Packed[I]:
        """Ask about the items and match the answers by id.

        Unknown and repeated ids are dropped. What is missing, malformed or said in two ways is
        asked alone, once, and so are the items of a call that failed, unless the budget is spent.
        Raises Misuse before anything is asked.
        """
        what = f"pack {self.name!r}"
        items = listed(items, PackItem, f"{what}: items", "list PackItem(id=..., text=...)")
        must_call(ask, f"{what}: ask")
        if twice := [i for i, n in Counter(item.id for item in items).items() if n > 1]:
            raise Misuse(f"{what}: ids {', '.join(twice)} stand there twice; give each its own")
        return await _Run(self, items, ask, sample).run(packs_of(items, *self._bounds))

    def written(self, items: Sequence[PackItem]) -> tuple[Prompt, int]:
        """Write the question about some items, and estimate its input tokens."""
        prompt = self._prompt(items)
        if not isinstance(prompt, Prompt) or prompt.answer != self.into.__name__:
            raise Misuse(
                f"pack {self.name!r}: its prompt must be a Prompt for {self.into.__name__}; give it"
                f" answer={self.into.__name__!r}"
            )
        return prompt, prompt_tokens(prompt, self._schema)


def packs_of(items: Sequence[PackItem], max_items: int, max_tokens: int) -> list[list[PackItem]]:
    """Part items into packs, in their order, each as full as both bounds let it be."""
    packs: list[list[PackItem]] = []
    size = 0
    for item in items:
        weight = FRAME + tokens(item.text)
        if not packs or len(packs[-1]) == max_items or size + weight > max_tokens:
            packs.append([])
            size = 0
        packs[-1].append(item)
        size += weight
    return packs


def items_block(items: Sequence[PackItem]) -> str:
    """Write items for a prompt: a line `ITEMS:`, then one line of JSON they cannot break out of."""
    plain = [item.model_dump(mode="json") for item in items]
    return "ITEMS:\n" + json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


@dataclass
class _Run(Generic[E, I]):
    """One running pack."""

    pack: Pack[E, I]
    items: Sequence[PackItem]
    ask: Asks[E]
    sample: int
    values: dict[str, I] = field(default_factory=dict)
    calls: list[PackCall] = field(default_factory=list)
    again: dict[str, str] = field(default_factory=dict)
    unanswered: dict[str, str] = field(default_factory=dict)
    dropped: list[DroppedItem] = field(default_factory=list)
    tokens: int = 0

    async def run(self, packs: Sequence[Sequence[PackItem]]) -> Packed[I]:
        """Ask about all packs at once; each asks alone what it lacks as soon as it knows."""
        alone = sum(self.pack.written([item])[1] for item in self.items)
        self.lanes = asyncio.Semaphore(self.pack.limit)
        works = {f"pack-{n}": partial(self._packed, p) for n, p in enumerate(packs, 1)}
        await _all(works)
        record = PackRecord(
            name=self.pack.name,
            items=len(self.items),
            calls=tuple(self.calls),
            again=self.again,
            unanswered=self.unanswered,
            dropped=tuple(self.dropped),
            tokens=self.tokens,
            tokens_alone=alone,
        )
        ids = [item.id for item in self.items]
        return Packed({i: self.values[i] for i in ids if i in self.values}, record)

    async def _packed(self, items: Sequence[PackItem]) -> None:
        lacking = await self._asked(items, alone=False)
        self.again |= lacking
        works = {
            f"alone-{n}": partial(self._alone, item)
            for n, item in enumerate(items, 1)
            if item.id in lacking
        }
        await _all(works)

    async def _alone(self, item: PackItem) -> None:
        self.unanswered |= await self._asked([item], alone=True)

    async def _asked(self, items: Sequence[PackItem], *, alone: bool) -> dict[str, str]:
        """Ask one call, keep what is good of it, and say what is lacking and why."""
        ids = tuple(item.id for item in items)
        prompt, size = self.pack.written(items)
        # Alone is another sample: the same question would read the same paid answer back.
        ask = partial(self.ask, prompt, self.pack.into, sample=self.sample + alone)
        asking, failed = Asking[E](Respondent("pack", ask)), None
        async with self.lanes:
            self.tokens += size
            try:
                await asking()
            except Exception as error:
                if is_cancelled_exception(error) or isinstance(error, WRONG):
                    raise
                failed = error
        self.calls.append(_call(ids, asking, failed, alone=alone))
        if asking.found is None:
            lacking = dict.fromkeys(ids, reason(failed) if failed else "")
            if not isinstance(failed, BudgetSpent):
                return lacking
            self.unanswered |= lacking
            return {}
        found = match(asking.found.value.model_dump(mode="json")["items"], ids, self.pack.each)
        self.values |= found.values
        self.dropped += found.dropped
        return found.lacking


async def _all(works: Mapping[str, Work[None]]) -> None:
    """Do all at once. Raises the first error, once all have ended: what was paid for is kept."""
    joined = await join(works, until=all_settled())
    for outcome in joined.failed:
        if outcome.error is not None:
            raise outcome.error


def _call(
    ids: tuple[str, ...], asking: Asking[Any], failed: Exception | None, *, alone: bool
) -> PackCall:
    answer = asking.found.answer if asking.found else None
    return PackCall(
        ids=ids,
        alone=alone,
        model=asking.model,
        usd=asking.usd,
        input_tokens=answer.usage.input_tokens if answer else 0,
        why=reason(failed) if failed else "",
    )
