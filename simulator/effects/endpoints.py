"""Endpoints of a house's own: any name below `/endpoints`, POST once a key, GET what was posted."""

import json

from simulator.book import Book
from simulator.chance import digest
from simulator.effects.plain import failure, refuse
from simulator.exchange import Asked, Reply, Service


def service(book: Book) -> Service:
    """Build the service; it remembers what was posted until the simulator ends."""
    posted: dict[str, tuple[str, object]] = {}
    signed: dict[str, dict[str, str]] = {}

    def answer(asked: Asked) -> Reply:
        if asked.method == "GET":
            values = [value for path, value in posted.values() if path == asked.path]
            of = [signed[key] for key, (path, _) in posted.items() if path == asked.path]
            return Reply(200, {"path": asked.path, "posted": values, "signed": of})
        key = asked.headers.get("idempotency-key", "")
        if asked.method != "POST" or not key:
            return refuse(400, "POST needs the header Idempotency-Key; else there is GET")
        try:
            wanted = (asked.path, json.loads(asked.body))
        except ValueError:
            return refuse(422, "the body is no JSON")
        book.asked[key] += 1
        if posted.setdefault(key, wanted) != wanted:
            return refuse(409, "this Idempotency-Key was used with another body")
        signed[key] = {n: v for n, v in asked.headers.items() if n.startswith("webhook-")}
        if book.asked[key] == 1:
            book.performed[f"endpoints{asked.path}"] += 1
        return Reply(200, {"reference": f"ref_{digest('endpoint', key)[:16]}"})

    return Service(answer, failure)
