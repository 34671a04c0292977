"""The calls of a recorded run, and which of them each must wait for: those whose data it used.

Where data cannot tell, the recorded order is kept: after a call that gave nothing to be known again
(yes or no, encrypted text), after a message, and before an effect, whose order may matter to the
world outside.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from insight.graph.news import texts
from insight.history.book import spans
from insight.history.reader import Events
from insight.history.spans import MESSAGES, WORK, Span, SpanState
from insight.plan.audit import data
from insight.plan.audit.history import Known
from workflows.data.common import JSON

MODEL_CALL = "ask_model"
_SLUG = re.compile(r"[^a-z0-9]+")
_LONGEST = 36


@dataclass
class Recorded:
    """A call (or message) that came to its end: `asked` and `gave` as far as they can be read.

    `needs` are the numbers of earlier ones, none that another of them needs.
    """

    id: str
    span: Span
    asked: tuple[JSON, ...]
    gave: JSON
    needs: list[int] = field(default_factory=list)

    @property
    def is_message(self) -> bool:
        """Whether it came from outside."""
        return self.span.kind in MESSAGES

    @property
    def seconds(self) -> float:
        """How long it worked; of a message nothing is known."""
        took = self.span.run
        return 0.0 if took is None or self.is_message else took.total_seconds()


def recorded(events: Events, known: Known) -> tuple[Recorded, ...]:
    """Read the calls of one run, in the order in which they began."""
    by_id = {event.event_id: event for event in events}
    found: list[Recorded] = []
    names: set[str] = set()
    for span in sorted(spans(events), key=lambda span: span.id):
        wanted = span.kind in WORK | MESSAGES and span.state is SpanState.COMPLETED
        if not wanted or span.name in known.aside or span.id not in by_id:
            continue
        asked = tuple(_values(texts(by_id[span.id])))
        ended = by_id.get(span.closing) if span.closing != span.id else None
        gave = tuple(_values(texts(ended))) if ended is not None else ()
        given: JSON = gave[0] if gave else None
        if span.kind in MESSAGES:
            asked, given = (), asked[0] if asked else None
        elif span.name == MODEL_CALL:
            given = _answer(given)
        found.append(Recorded(_name(span, asked, names), span, asked, given))
    start = data.given(texts(events[0])) if events else set()
    _link(found, start, known)
    return tuple(found)


def left_out(events: Events, known: Known) -> int:
    """Count the calls of a run that failed, were cancelled, or never ended."""
    return sum(
        span.kind in WORK and span.state is not SpanState.COMPLETED and span.name not in known.aside
        for span in spans(events)
    )


def start_values(events: Events) -> JSON:
    """Give what a run was started with; None where it cannot be read."""
    return next(_values(texts(events[0])), None) if events else None


def _values(found: Iterable[bytes]) -> Iterator[JSON]:
    for text in found:
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            continue


def _answer(gave: JSON) -> JSON:
    """Give what a model said: its record if it is one, else as `text`."""
    said = gave.get("text") if isinstance(gave, dict) else None
    if not isinstance(said, str):
        return gave
    try:
        record = json.loads(said)
    except (ValueError, RecursionError):
        return {"text": said}
    return record if isinstance(record, dict) else {"text": said}


def _name(span: Span, asked: Sequence[JSON], names: set[str]) -> str:
    """Name a step after its branch, else what it calls; a number tells equal ones apart."""
    first = asked[0] if asked else None
    prompt = first.get("prompt") if isinstance(first, dict) else None
    named = prompt.get("name") if isinstance(prompt, dict) else None
    words = span.branch or (named if isinstance(named, str) else "") or span.name
    base = _SLUG.sub("_", words.lower()).strip("_")[:_LONGEST].rstrip("_")
    base = base if base[:1].isalpha() else f"step_{base}".rstrip("_")
    name, number = base, 1
    while name in names:
        number += 1
        name = f"{base[:_LONGEST]}_{number}"
    names.add(name)
    return name


def _link(found: Sequence[Recorded], start: set[str], known: Known) -> None:
    """Say what each needs."""
    asked = [data.given(json.dumps(value).encode() for value in one.asked) for one in found]
    news = [
        data.made([json.dumps(one.gave).encode()]) - asked[number] - start
        for number, one in enumerate(found)
    ]
    before: list[set[int]] = []
    for number, one in enumerate(found):
        ended = [n for n in range(number) if _ended(found[n], one)]
        keeps = one.is_message or one.span.name in known.ordered or not asked[number]
        needs = [
            n
            for n in ended
            if keeps or found[n].is_message or not news[n] or news[n] & asked[number]
        ]
        before.append(set(needs).union(*(before[n] for n in needs)))
        one.needs = [n for n in needs if not any(n in before[other] for other in needs)]


def _ended(one: Recorded, other: Recorded) -> bool:
    return one.span.closing < other.span.id or one.is_message
