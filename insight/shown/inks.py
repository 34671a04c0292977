"""How the time of a span is drawn: an ink for every cause, plain ones for ASCII terminals."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from insight.graph.flow import Wait
from insight.history.spans import BROKEN, WORK, Span, SpanKind


@dataclass(frozen=True)
class Ink:
    """How one thing is drawn; `plain` is used where the terminal cannot show `glyph`."""

    glyph: str
    plain: str
    style: str
    word: str


Stroke = tuple[Ink, datetime, datetime]
"""An ink, from, to."""

BESIDE = Ink("▄", "=", "cyan", "work beside the critical path")
SIGNAL = Ink("◆", "*", "green", "message")
UPDATE = Ink("◇", "o", "green", "update")
SENT = Ink("◈", "s", "green", "message sent")
OPEN = Ink("▓", "%", "cyan", "open call")
FAILED = Ink("✗", "x", "bold red", "failed")
CUT = Ink("≈", "~", "dim", "wait cut short")

WAITS = {
    Wait.RUN: Ink("█", "#", "bold cyan", "work"),
    Wait.QUEUE: Ink("░", ".", "yellow", "queued"),
    Wait.LIMITER: Ink("▒", "l", "magenta", "held by a limit"),
    Wait.RETRY: Ink("▞", "r", "red", "failed attempts"),
    Wait.TIMER: Ink("─", "-", "blue", "timer"),
    Wait.PERSON: Ink("┅", "p", "green", "for a person"),
    Wait.EVENT: Ink("┄", "e", "green", "for a message"),
    Wait.JOIN: Ink("╌", "j", "dim", "for the others"),
    Wait.TASK: Ink("·", "t", "dim", "workflow task"),
}

ORDER = (
    *(WAITS[wait] for wait in (Wait.JOIN, Wait.TASK, Wait.EVENT, Wait.PERSON, Wait.TIMER)),
    *(WAITS[wait] for wait in (Wait.QUEUE, Wait.LIMITER, Wait.RETRY)),
    *(OPEN, BESIDE, WAITS[Wait.RUN], SENT, UPDATE, SIGNAL, FAILED, CUT),
)
"""What is drawn later covers what was drawn before."""

_PLAIN = {
    SpanKind.TIMER: WAITS[Wait.TIMER],
    SpanKind.SIGNAL: SIGNAL,
    SpanKind.UPDATE: UPDATE,
    SpanKind.SENT: SENT,
}


def strokes(span: Span, until: datetime, work: Ink) -> Iterator[Stroke]:
    """Say what to draw for one span that lasts to `until` if open; `work` draws its work."""
    end = span.ended or until
    if span.kind not in WORK:
        yield _PLAIN[span.kind], span.scheduled, end
    elif span.kind is SpanKind.LOCAL:
        yield work, span.started or span.scheduled, end
    elif span.started is None:
        yield OPEN if span.ended is None else WAITS[Wait.QUEUE], span.scheduled, end
    else:
        before = WAITS[Wait.RETRY if span.attempt > 1 else Wait.QUEUE]
        sent = min(span.started + span.limited, end)
        yield before, span.scheduled, span.started
        if span.limited:
            yield WAITS[Wait.LIMITER], span.started, sent
        yield work, sent, end
    if span.state in BROKEN:
        yield FAILED, end, end
