"""What every model vendor shares: read a question, bill it, answer, fail."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.book import Book
from simulator.brain.mind import Question, answer, tokens
from simulator.config import Fault, SimulatorConfig
from simulator.exchange import Asked, Finish, Reply, Service


@dataclass(frozen=True)
class Said:
    """A model's answer before a vendor words it; `hash` makes the ids."""

    text: str
    finish: Finish
    input_tokens: int
    output_tokens: int
    hash: str


@dataclass(frozen=True)
class Vendor:
    """A vendor's wire: `read` gives the question or the vendor's refusal of the request."""

    name: str
    read: Callable[[Asked], Question | Reply]
    write: Callable[[Question, Said], Reply]
    failure: Callable[[Fault], Reply]


def service(vendor: Vendor, config: SimulatorConfig, book: Book) -> Service:
    """Put a vendor to work: every request it accepts is billed, whatever becomes of it."""

    def reply(asked: Asked) -> Reply:
        question = vendor.read(asked)
        if isinstance(question, Reply):
            return question
        book.billed[vendor.name] += 1
        return vendor.write(question, say(question, asked.finish, config))

    return Service(reply, vendor.failure)


def solo(vendor: Vendor, config: SimulatorConfig) -> Callable[[Asked], Reply]:
    """Make what answers one request and bills nothing: somebody else does."""

    def reply(asked: Asked) -> Reply:
        question = vendor.read(asked)
        if isinstance(question, Reply):
            return question
        return vendor.write(question, say(question, asked.finish, config))

    return reply


def say(question: Question, finish: Finish, config: SimulatorConfig) -> Said:
    """Answer a question, within its token limit; a longer answer is cut there."""
    asked = tokens(question.system) + tokens(question.user)
    if finish is Finish.REFUSAL:
        return Said("", finish, asked, 5, question.hash)
    text = answer(question, config)
    limit = question.max_output_tokens
    if finish is Finish.TRUNCATED:
        limit = min(limit or tokens(text), tokens(text) // 2)
    if limit is not None and tokens(text) > limit:
        text, finish = text[: limit * 4], Finish.TRUNCATED
    return Said(text, finish, asked, tokens(text), question.hash)


def joined(parts: list[str]) -> str:
    """Join the pieces of a prompt."""
    return "\n".join(part for part in parts if part)
