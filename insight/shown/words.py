"""How lengths, moments, shares and the names of spans are written for people."""

from datetime import datetime, timedelta
from decimal import Decimal

from rich.cells import cell_len, set_cell_size

from insight.history.spans import Span, SpanKind

_KINDS = {
    SpanKind.TIMER: "timer",
    SpanKind.SIGNAL: "message",
    SpanKind.UPDATE: "update",
    SpanKind.SENT: "sent",
}


def length(time: timedelta) -> str:
    """Write a length of time in at most nine cells, two units at most."""
    seconds = time.total_seconds()
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours < 48 else f"{hours // 24}d {hours % 24:02}h"


def clock(moment: datetime) -> str:
    """Write a moment's time of day in UTC, to the millisecond."""
    return f"{moment:%H:%M:%S.%f}"[:-3]


def dollars(usd: Decimal | float) -> str:
    """Write US dollars, without a sign: four decimals, or two digits of less than the last."""
    value = float(usd)
    if 0 < value < 0.0001:
        return f"{Decimal(f'{value:.1e}'):f}"
    return f"{value:,.4f}" if value < 100 else f"{value:,.2f}"


def counted(number: int, noun: str, many: str = "") -> str:
    """Write how many there are; `many` is the plural where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else many or f'{noun}s'}"


def percent(share: float) -> str:
    """Write a share of 0 to 1; a little is never nothing, and nearly all is not all."""
    if 0 < share < 0.005 or 0.995 <= share < 1:
        return "<1%" if share < 0.5 else ">99%"
    return f"{share:.0%}"


def title(span: Span) -> str:
    """Name a span: its branch, its kind unless it is work, and its name."""
    kind = _KINDS.get(span.kind, "")
    named = " ".join(word for word in (kind, span.name) if word)
    return f"{span.branch}: {named}" if span.branch else named


def clear(text: str, *, plain: bool = False) -> str:
    """Keep a foreign name from steering or breaking the terminal; `plain` leaves ASCII only."""
    safe = (c.isprintable() and (c.isascii() or not plain) for c in text)
    return "".join(c if ok else "?" for c, ok in zip(text, safe, strict=True))


def fitted(text: str, cells: int, plain: bool = False) -> str:
    """Bring a text to at most so many cells, and pad it to them; a cut is shown."""
    if cell_len(text) <= cells:
        return set_cell_size(text, cells)
    return set_cell_size(text, max(0, cells - 1)) + ("~" if plain else "…")
