"""How an answered question and the catalogue look to a person, and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from insight.history.book import MODEL_CALL
from insight.history.spans import Span
from insight.report import Report
from insight.shown.words import length
from runtime.catalogue import Catalogue
from store.journal import CallRow, ClaimState
from workflows.data.llm import ModelAnswer
from workflows.data.question import RoleReply

STATES = {
    ClaimState.SETTLED: "answered",
    ClaimState.REFUSED: "refused",
    ClaimState.LOST: "lost, may have been billed",
    ClaimState.OPEN: "open, may have been billed",
}


@dataclass(frozen=True)
class Seen:
    """What is known of a question that was put.

    `why` says why there is no reply. `sends` are the journal's claims: each a request sent out.
    """

    id: str
    role: str
    reply: RoleReply | None
    why: str
    report: Report
    sends: tuple[CallRow, ...]

    @property
    def calls(self) -> list[Span]:
        """The calls of models, in the order they were made."""
        return [span for span in self.report.spans if span.name == MODEL_CALL]


def plain(seen: Seen) -> dict[str, Any]:
    """Give all of it as JSON."""
    told = seen.report
    reply = seen.reply.model_dump(mode="json") if seen.reply else {"answer": None, "tried": []}
    return {
        "id": seen.id,
        "role": seen.role,
        "why": seen.why,
        **reply,
        "seconds": (told.until - told.started).total_seconds(),
        "calls": [
            {
                "model": span.model,
                "attempts": span.attempt,
                "state": span.state,
                "retried_for": span.retried_for,
                "error": span.error,
            }
            for span in seen.calls
        ],
        "sends": [
            {
                "model": send.model,
                "vendor": send.vendor,
                "state": send.state,
                "reason": send.reason,
                "at": (send.claimed_at - told.started).total_seconds(),
                "seconds": took.total_seconds() if (took := _took(send)) else None,
                "usd": send.usd,
            }
            for send in seen.sends
        ],
    }


def _took(send: CallRow) -> timedelta | None:
    return None if send.closed_at is None else send.closed_at - send.claimed_at


def shown(seen: Seen, known: Catalogue) -> RenderableType:
    """Show the reply, what it cost and took, then every attempt and every model tried."""
    parts: list[RenderableType] = []
    if seen.reply:
        answer = seen.reply.answer
        parts += [Text(answer.text.strip()), Text(), _facts(seen, answer, known), Text()]
    parts.append(_calls(seen))
    if seen.sends:
        parts += [Text(), _sends(seen)]
    return Group(*parts)


def _facts(seen: Seen, answer: ModelAnswer, known: Catalogue) -> Table:
    table = Table.grid(padding=(0, 2))
    entry = known.models.get(answer.target.model)
    how = "read back" if answer.reused else "simulated" if answer.simulated else "live"
    for name, value in (
        ("model", f"{entry.name if entry else answer.target.model} ({how})"),
        ("tokens", _tokens(answer)),
        ("window", _window(answer)),
        ("cost", _cost(seen, answer)),
        ("time", _time(seen, answer)),
    ):
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def _tokens(answer: ModelAnswer) -> str:
    used = answer.usage
    kept = f"{used.cached_tokens:,} from the cache, {used.cache_write_tokens:,} written to it"
    thought = f"{used.reasoning_tokens:,} of them reasoning"
    return f"{used.input_tokens:,} in ({kept}), {used.output_tokens:,} out ({thought})"


def _window(answer: ModelAnswer) -> str:
    if not answer.window:
        return "of unknown size"
    used = answer.usage.input_tokens + answer.usage.output_tokens
    return f"{used:,} of {answer.window:,} tokens ({used / answer.window:.1%})"


def _cost(seen: Seen, answer: ModelAnswer) -> str:
    if not answer.priced:
        return "unknown: the catalogue has no price for this model"
    lost = sum((t.usd for t in seen.reply.tried), Decimal(0)) if seen.reply else Decimal(0)
    also = f", and {lost:f} for unusable replies before it" if lost else ""
    return f"{answer.usd:f} US${also}{', of simulated money' if answer.simulated else ''}"


def _time(seen: Seen, answer: ModelAnswer) -> str:
    whole = length(seen.report.until - seen.report.started)
    return f"{whole}, of which {length(timedelta(seconds=answer.waited))} for the permit"


def _calls(seen: Seen) -> Table:
    """Show a row per model asked: its attempts, and why it was retried or given up."""
    table = _table("model", "attempts", "took", "what happened")
    for span in seen.calls:
        said = [f"retried for {span.retried_for}"] if span.retried_for else []
        said += [f"given up for {span.error}"] if span.error else [str(span.state)]
        took = length(span.ended - span.scheduled) if span.ended else ""
        table.add_row(span.model, str(span.attempt), took, "; ".join(said))
    return table


def _sends(seen: Seen) -> Table:
    """Show a row per request that was sent out."""
    table = _table("sent to", "after", "took", "answer")
    for send in seen.sends:
        took = _took(send)
        table.add_row(
            send.model,
            length(max(send.claimed_at - seen.report.started, timedelta(0))),
            length(took) if took else "",
            STATES[send.state] + (f": {send.reason}" if send.reason else ""),
        )
    return table


def catalogue(
    lines: Sequence[Mapping[str, Any]], roles: Mapping[str, Sequence[str]]
) -> RenderableType:
    """Show the catalogue: prices in US dollars per million tokens; each role's chain of models."""
    table = _table("model", "in", "cached", "out", "since", "window", "vendor")
    for line in lines:
        price = line["price"] or dict.fromkeys(("input", "cached", "output"), "?") | {"since": ""}
        table.add_row(
            line["model"],
            *(price[name] for name in ("input", "cached", "output", "since")),
            _size(line["window"]),
            line["vendor"] + (" (live)" if line["live"] else ""),
        )
    chains = _table("role", "asks, each if those before it fail")
    for role, models in roles.items():
        chains.add_row(role, ", ".join(models))
    said = "US$ per million tokens, list price of today; simulated where not marked live."
    return Group(table, Text(said, style="dim"), Text(), chains)


def _size(tokens: int | None) -> str:
    """Write a number of tokens in at most five cells."""
    if tokens is None:
        return "?"
    return f"{tokens / 1e6:.3g}M" if tokens >= 1_000_000 else f"{tokens // 1000}K"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
