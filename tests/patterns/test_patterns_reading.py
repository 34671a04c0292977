"""Long texts read in parts, and memories summed up: cited, bounded, and nothing silently lost."""

import json
import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.patterns.virtual import run
from workflows.calls import KEEP_DOCUMENT, Call, open_door
from workflows.data.aggregate import BranchClaim, Cited
from workflows.data.common import Record
from workflows.data.context import Summary
from workflows.data.documents import Document
from workflows.data.llm import ModelAnswer, ModelRef, Prompt, Usage
from workflows.data.tokens import tokens
from workflows.errors import AggregateFailed, ContextTooLarge, Misuse, ModelUnavailable
from workflows.patterns.consult import Consulted
from workflows.patterns.memory import Memory
from workflows.patterns.reading import Reading

MORE = "It is certain, and so nothing more is to be said of it here or elsewhere. " * 3
TEXT = "\n\n".join(f"Paragraph {n}: fact {n} is so. {MORE}" for n in range(20))
Notes = Callable[[Prompt, type[Any]], Awaitable[Consulted[Any]]]


class Report(Cited):
    """What the text comes to."""

    headline: str


def said(value: Record) -> Consulted[Any]:
    target = ModelRef(vendor="v", model="m")
    answer = ModelAnswer(target=target, text="", usage=Usage(), usd=Decimal(0), simulated=True)
    return Consulted(value, answer)


def claims(prompt: Prompt) -> list[BranchClaim]:
    lines = prompt.user.split("<text>\n")[1].split("\n</text>")[0].splitlines()
    return [BranchClaim.model_validate_json(line) for line in lines]


def reader(asked: list[Prompt], *, unread: str = "", shorter: int = 0) -> Notes:
    """Notes one claim for each fact of a part; condensing, claims come down to `shorter`."""

    async def notes(prompt: Prompt, record: type[Any]) -> Consulted[Any]:
        asked.append(prompt)
        if prompt.name.endswith("-part"):
            block = json.loads(prompt.user.split("<text>\n")[1].split("\n</text>")[0])
            if block["part"] == unread:
                raise ModelUnavailable("nobody answers")
            facts = re.findall(r"fact \d+ is so", block["text"])
            made = tuple(BranchClaim(text=fact, cites=("part-99",)) for fact in facts)
        else:
            group = claims(prompt)
            cites = tuple(c for claim in group for c in claim.cites)
            made = tuple(
                BranchClaim(text=f"so {n}", cites=cites) for n in range(shorter or len(group))
            )
        return said(record(claims=made))

    return notes


def writer(asked: list[Prompt], *more: BranchClaim) -> Notes:
    async def ask(prompt: Prompt, record: type[Any]) -> Consulted[Any]:
        asked.append(prompt)
        return said(record(headline="whole", claims=(*claims(prompt), *more)))

    return ask


def reading(**more: Any) -> Reading[Report]:
    given: dict[str, Any] = {"task": "What is so?", "size": 200} | more
    return Reading("facts", Report, **given)


def test_every_fact_is_found_and_cites_the_part_it_stands_in() -> None:
    asked: list[Prompt] = []
    bogus = BranchClaim(text="made up", cites=("part-77",))
    read = run(reading(size=600)(TEXT, writer(asked, bogus), reader(asked)))
    whole = {p.name: TEXT[p.start : p.end] for p in read.parts}
    assert "".join(whole.values()) == TEXT
    assert [c.text for c in read.value.claims] == [f"fact {n} is so" for n in range(20)]
    for claim in read.value.claims:
        assert claim.text in whole[claim.cites[0]], "a part can rest on nothing but itself"
    assert [(d.claim, d.cites, d.lost) for d in read.dropped] == [("made up", "part-77", True)]
    assert (read.missing, read.levels) == ((), 0)
    assert all(tokens(p.user) < 900 for p in asked)


def test_too_many_claims_are_condensed_until_they_fit_and_keep_their_citations() -> None:
    asked: list[Prompt] = []
    read = run(reading()(TEXT, writer(asked), reader(asked, shorter=1)))
    assert read.levels >= 1
    cited = {c for claim in read.value.claims for c in claim.cites}
    assert cited == {p.name for p in read.parts}
    assert tokens(asked[-1].user) < 300


def test_a_part_nobody_read_is_told_as_missing() -> None:
    read = run(reading(size=600)(TEXT, writer([]), reader([], unread="part-1")))
    [lost] = read.missing
    assert (lost.name, lost.why) == ("part-1", "ModelUnavailable: nobody answers")
    assert "part-1" not in {c for claim in read.value.claims for c in claim.cites}


def test_claims_that_do_not_come_down_are_an_error_with_sizes_not_a_cut() -> None:
    with pytest.raises(ContextTooLarge, match=r"20 claims take \d+ tokens .* come down to 200"):
        run(reading()(TEXT, writer([]), reader([])))
    with pytest.raises(ContextTooLarge, match=r"more levels \(now 0\)"):
        run(reading(levels=0)(TEXT, writer([]), reader([], shorter=1)))


def test_a_text_nobody_read_is_an_error() -> None:
    async def nobody(_prompt: Prompt, _record: type[Any]) -> Consulted[Any]:
        raise ModelUnavailable("all down")

    with pytest.raises(AggregateFailed, match="no part was read: ModelUnavailable: all down"):
        run(reading()(TEXT, writer([]), nobody))
    with pytest.raises(AggregateFailed, match="the text is empty"):
        run(reading()("", writer([]), nobody))
    with pytest.raises(Misuse, match="has no task"):
        reading(task=" ")
    with pytest.raises(Misuse, match="hold nothing"):
        reading(size=0)


# ---- memory ----------------------------------------------------------------------------------


def remembering(kept: list[Document], asked: list[Prompt], memory: Memory, bound: int) -> Memory:
    async def door(call: Call[Any, Any], document: Record) -> Record:
        assert call is KEEP_DOCUMENT
        assert isinstance(document, Document)
        kept.append(document)
        return Document(sha256=f"{len(kept):064}", size=1)

    async def ask(prompt: Prompt, record: type[Summary]) -> Consulted[Summary]:
        asked.append(prompt)
        return said(record(text=f"summary {len(asked)}"))

    async def story() -> Memory:
        with open_door(door):
            return await memory.within(bound, ask)

    return run(story())


def test_a_memory_is_summed_up_only_when_too_large_and_its_originals_are_kept() -> None:
    kept: list[Document] = []
    asked: list[Prompt] = []
    memory = Memory().add("round-1", "one " * 60).add("round-2", "two " * 60)
    assert remembering(kept, asked, memory, 500) is memory
    assert (kept, asked) == ([], [])
    first = remembering(kept, asked, memory.add("round-3", "three"), 100)
    assert [p.name for p in first.context.pieces] == ["summary", "round-3"]
    [summed] = first.summarised
    assert (summed.names, summed.original.sha256) == (("round-1", "round-2"), f"{1:064}")
    assert summed.before > 120 > 10 > summed.after > 0
    assert [e["text"][:4] for e in json.loads(kept[0].text or "")] == ["one ", "two "]
    second = remembering(kept, asked, first.add("round-4", "four " * 40), 100)
    assert "summary 1" in asked[1].user, "the earlier summary goes into the next"
    assert [s.names for s in second.summarised] == [("round-1", "round-2"), ("round-3",)]
    assert len(memory.entries) == 2, "a value: nothing of this came into it"


def test_a_memory_that_stays_too_large_is_an_error() -> None:
    memory = Memory().add("a", "word " * 100)
    with pytest.raises(ContextTooLarge, match="does not come down to 50, keeping 1 entries"):
        remembering([], [], memory, 50)
    with pytest.raises(ContextTooLarge, match="does not come down to 50"):
        remembering([], [], memory.add("b", "word " * 100), 50)


def test_names_in_a_memory_are_its_own() -> None:
    memory = remembering([], [], Memory().add("a", "word " * 100).add("b", ""), 60)
    for taken in ("a", "b", "summary"):
        with pytest.raises(Misuse, match=f"an entry '{taken}' already"):
            memory.add(taken, "")
