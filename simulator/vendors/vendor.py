"""What every model vendor shares: read a question, answer it, bill it, fail."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from simulator.book import Book
from simulator.brain.mind import Question, answer, tokens
from simulator.config import Fault, SimulatorConfig
from simulator.exchange import Asked, Bill, Finish, Reply, Service
from simulator.limits import Limit
from simulator.vendors.caching import PromptCache

BROKEN_ARGUMENTS = '{"query": "latest'
"""What a model gives the tool nobody offered."""

_FIXED = {Finish.WRONG_JSON: '{"unexpected": "answer"}', Finish.BAD_TOOL: BROKEN_ARGUMENTS}


@dataclass(frozen=True)
class Said:
    """A model's answer before a vendor words it; `hash` makes the ids.

    `input_tokens` includes `cached_tokens`, read from the vendor's cache, and `written_tokens`,
    written to it.
    """

    text: str
    finish: Finish
    input_tokens: int
    output_tokens: int
    hash: str
    cached_tokens: int = 0
    written_tokens: int = 0


@dataclass(frozen=True)
class Dialect:
    """One API of a vendor: `read` gives the question or the vendor's refusal of the request."""

    read: Callable[[Asked], Question | Reply]
    write: Callable[[Question, Said], Reply]
    stream: Callable[[Question, Said], Reply]
    count: Callable[[int], Reply]


@dataclass(frozen=True)
class Vendor:
    """A vendor: which of its dialects a request is in, its model, and how the vendor fails."""

    name: str
    dialect: Callable[[Asked], Dialect]
    failure: Callable[[Fault], Reply]
    model: Callable[[Asked], str]
    announced: Callable[[Limit, float], Mapping[str, str]] = lambda _limit, _left: {}


class Models:
    """Puts vendors to work; they share nothing but the book and a cache of prompts."""

    def __init__(self, config: SimulatorConfig, book: Book) -> None:
        self._config, self._book = config, book
        self._cache = PromptCache()

    def service(self, vendor: Vendor) -> Service:
        """Make the service of a vendor: what it accepts has a bill, whatever becomes of it."""

        def reply(asked: Asked) -> Reply:
            dialect = vendor.dialect(asked)
            question = dialect.read(asked)
            if isinstance(question, Reply):
                return question
            said = say(question, asked.finish, self._config)
            if question.counts:
                return dialect.count(said.input_tokens)
            seen = self._cache.seen(question)
            said = replace(said, cached_tokens=seen.cached, written_tokens=seen.written)
            settle = partial(self._settle, vendor.name, seen.keys)
            bill = Bill(question.model, said.input_tokens + said.output_tokens, settle)
            write = dialect.stream if question.stream else dialect.write
            return replace(write(question, said), bill=bill)

        return Service(reply, vendor.failure, True, vendor.model, vendor.announced)

    def solo(self, vendor: Vendor) -> Callable[[Asked], Reply]:
        """Make what answers one request, whole, and bills nothing: somebody else does."""

        def reply(asked: Asked) -> Reply:
            dialect = vendor.dialect(asked)
            question = dialect.read(asked)
            if isinstance(question, Reply):
                return question
            return dialect.write(question, say(question, asked.finish, self._config))

        return reply

    def _settle(self, vendor: str, keys: tuple[str, ...]) -> None:
        self._book.billed[vendor] += 1
        self._cache.keep(keys)


def say(question: Question, finish: Finish, config: SimulatorConfig) -> Said:
    """Answer a question, within its token limit; a longer answer is cut there."""
    asked = tokens(question.system) + tokens(question.user)
    if finish in (Finish.REFUSAL, Finish.BLOCKED):
        return Said("", finish, asked, 5, question.hash)
    text = _FIXED.get(finish) or answer(question, config)
    if finish is Finish.BAD_TOOL:
        return Said(text, finish, asked, tokens(text), question.hash)
    if finish is Finish.MISSING_ITEMS:
        text = _with_gaps(text)
    limit = question.max_output_tokens
    if finish is Finish.TRUNCATED:
        limit = min(limit or tokens(text), tokens(text) // 2)
    if limit is not None and (finish is Finish.TRUNCATED or tokens(text) > limit):
        return Said(text[: limit * 4], Finish.TRUNCATED, asked, limit, question.hash)
    return Said(text, Finish.NORMAL, asked, tokens(text), question.hash)


def _with_gaps(text: str) -> str:
    """Leave every third item of a list of answers out, and garble the first."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    items = found.get("items") if isinstance(found, dict) else None
    if not isinstance(items, list) or len(items) < 2:
        return text  # one alone is answered well
    kept = [item for number, item in enumerate(items, 1) if number % 3]
    garbled = {"id": kept[0].get("id")} if isinstance(kept[0], dict) else None
    return json.dumps({**found, "items": [garbled, *kept[1:]]}, ensure_ascii=False)


def named_model(asked: Asked) -> str:
    """Give the model a body names, "" if it names none."""
    try:
        body = json.loads(asked.body)
    except ValueError:
        return ""
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else ""


def joined(parts: list[str]) -> str:
    """Join the pieces of a prompt."""
    return "\n".join(part for part in parts if part)
