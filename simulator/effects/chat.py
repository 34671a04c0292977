"""The reviewers' chat channel: `POST /webhook`."""

from pydantic import BaseModel, Field, ValidationError

from simulator.book import Book
from simulator.effects.plain import failure, misfit, refuse
from simulator.exchange import Asked, Reply, Service


class _Message(BaseModel):
    text: str = Field(min_length=1)


def service(book: Book) -> Service:
    """Build the service; the book counts its messages and keeps none."""

    def answer(asked: Asked) -> Reply:
        if (asked.method, asked.path) != ("POST", "/webhook"):
            return refuse(404, "not found")
        try:
            _Message.model_validate_json(asked.body)
        except ValidationError as wrong:
            return misfit(wrong)
        book.chats += 1
        return Reply(200, {"ok": True})

    return Service(answer, failure)
