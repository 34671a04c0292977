"""The parts of a process, by the names of its branches: what each came to, and how often it went.

A name may hold whatever a foreign workflow wrote, so only so many are told apart.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from insight.history.spans import BROKEN, Span, SpanKind
from insight.report import Report
from workflows.data.common import Record

MOST = 40
"""Names a summary tells apart; what is left over stands under `OTHERS`."""
OTHERS = "(others)"

_ROUND = re.compile(r"^(.+?)(-round-| )(\d+)$")
"""A branch of a later round of evidence (`credit-round-2`), or of a loop (`draft 2`)."""


class Section(Record):
    """What a part of a process came to: calls, those that failed in the end, and further tries."""

    calls: int = 0
    failed: int = 0
    retries: int = 0


def section(branch: str) -> str:
    """Name the part of a process a branch belongs to: its first scope, whatever its round."""
    outer = branch.partition("/")[0]
    found = _ROUND.match(outer)
    return found[1] if found else outer


def step_name(span: Span) -> str:
    """Name what a span is an instance of, over many runs: its section and its call."""
    name = "timer" if span.kind is SpanKind.TIMER else span.name
    part = section(span.branch)
    return f"{part}: {name}" if part else name


def sections(work: Iterable[Span]) -> dict[str, Section]:
    """Sum up calls by section, those with most calls first."""
    held: dict[str, list[Span]] = {}
    for span in work:
        held.setdefault(section(span.branch), []).append(span)
    largest = sorted(held, key=lambda name: -len(held[name]))
    folded: dict[str, list[Span]] = {}
    for place, name in enumerate(largest):
        folded.setdefault(name if place < MOST else OTHERS, []).extend(held[name])
    return {name: _sum(spans) for name, spans in folded.items()}


def _sum(spans: Sequence[Span]) -> Section:
    return Section(
        calls=len(spans),
        failed=sum(span.state in BROKEN for span in spans),
        retries=sum(max(span.attempt - 1, 0) for span in spans),
    )


def critical(report: Report) -> dict[str, timedelta]:
    """Sum up the critical path by step, longest first; a wait that is nobody's by its cause."""
    names = {span.id: step_name(span) for span in report.spans}
    spent: Counter[str] = Counter()
    for part in report.flow.path:
        microseconds = (part.end - part.start) // timedelta(microseconds=1)
        spent[names.get(part.span, f"({part.wait})")] += microseconds
    folded: Counter[str] = Counter()
    for place, (name, time) in enumerate(spent.most_common()):
        folded[name if place < MOST else OTHERS] += time
    return {name: timedelta(microseconds=time) for name, time in folded.items()}


def iterations(spans: Iterable[Span]) -> dict[str, int]:
    """Count the rounds of each loop and section that went round, by its name.

    Loops number every round, rounds of evidence all but the first. Numbered branches that do not
    wait for one another are no rounds: they ran side by side.
    """
    loops: dict[str, dict[int, tuple[datetime, datetime]]] = {}
    rounds: dict[str, int] = {}
    for span in spans:
        for found in filter(None, map(_ROUND.match, span.branch.split("/"))):
            name, number = found[1], int(found[3])
            if found[2] == " ":
                _widen(loops.setdefault(name, {}), number, span)
            else:
                rounds[name] = max(rounds.get(name, 0), number + 1)
    in_order = {name: max(held) for name, held in loops.items() if _is_loop(held)}
    return dict(list({**rounds, **in_order}.items())[:MOST])


def _widen(held: dict[int, tuple[datetime, datetime]], number: int, span: Span) -> None:
    """Keep when a round first began a call, and when it first had an answer."""
    end = span.ended or span.scheduled
    begun, answered = held.get(number, (span.scheduled, end))
    held[number] = (min(begun, span.scheduled), min(answered, end))


def _is_loop(held: Mapping[int, tuple[datetime, datetime]]) -> bool:
    """Say whether the numbers count up from 1, each begun after an answer of the one before."""
    rounds = [held[number] for number in sorted(held)]
    in_turn = all(before[1] <= after[0] for before, after in pairwise(rounds))
    return sorted(held) == list(range(1, len(held) + 1)) and in_turn
