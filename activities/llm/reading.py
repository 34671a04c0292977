"""The one judgement of a model's reply: what it says, and what it asks of us."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from activities.llm.dialects import PROVIDERS
from activities.llm.frames import frames
from activities.llm.providers.common import MALFORMED, Parse, Parsed, ReplyOutcome
from activities.posture import (
    FILTERED,
    NONSENSE,
    Advice,
    Posture,
    error_in,
    error_of,
    is_web_page,
    judge_error,
)
from activities.wire import Reply
from workflows.data.llm import Dialect


@dataclass(frozen=True)
class Reading:
    """A reply as read. Posture `none`: it is an answer, paid for, whatever its outcome."""

    parsed: Parsed
    advice: Advice


def read_reply(dialect: Dialect, vendor: str, reply: Reply, now: datetime) -> Reading:
    """Read a reply of `vendor`. Content types are not looked at: they lie."""
    return read_with(PROVIDERS[dialect].parse, vendor, reply, now)


def read_with(parse: Parse, vendor: str, reply: Reply, now: datetime) -> Reading:
    """Read a reply by one API's `parse`.

    An error inside a 200 is an error; a web page, another API's answer and a stream that broke
    off are asked for again and never kept, though they may have been billed.
    """
    if reply.status >= 300:
        return _failed(MALFORMED, vendor, reply, error_in(reply.body), now)
    if is_web_page(reply.body):
        return _nonsense(MALFORMED, f"{vendor} answered with a web page")
    parsed = parse(reply.body)
    if error := _error_inside(reply.body):
        return _failed(parsed, vendor, reply, error, now)
    if not parsed.complete:
        return _nonsense(parsed, f"the answer of {vendor} broke off before its end")
    if parsed == MALFORMED:
        return _nonsense(parsed, f"{vendor} answered something else")
    return Reading(parsed, Advice(Posture.NONE))


def _error_inside(body: bytes) -> Mapping[str, Any]:
    for frame in frames(body).items:
        if error := error_of(frame.value):
            return error
        if frame.name == "error":
            return frame.value
    return {}


def _failed(
    parsed: Parsed, vendor: str, reply: Reply, error: Mapping[str, Any], now: datetime
) -> Reading:
    advice = judge_error(vendor, reply, error, now)
    outcome = ReplyOutcome.BLOCKED if advice.code == FILTERED else ReplyOutcome.ERROR
    return Reading(replace(parsed, outcome=outcome, finish=advice.code), advice)


def _nonsense(parsed: Parsed, detail: str) -> Reading:
    return Reading(parsed, Advice(Posture.RETRY, NONSENSE, detail))
