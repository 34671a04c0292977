"""HTML that what it shows cannot break: a text is escaped unless it is markup already."""

import html
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from phonenumbers.geodata.locale import LOCALE_DATA

LONG = 18
"""Signs of a word from which a column would grow too wide for it."""
ACRONYMS = re.compile(r"\b(pep|vat|lei|ebit(?:da)?|id)\b")
SHORT = 12
"""Signs of a hash that are shown; the whole one stands in the tooltip."""


class Markup(str):
    """Text that is HTML already. Only the functions of this module make it."""

    __slots__ = ()


def el(tag: str, *inside: object, **attributes: object) -> Markup:
    """Write an element. `cls` and `for_` stand for class and for; None leaves an attribute out."""
    names = {"cls": "class", "for_": "for"}
    told = "".join(
        f' {names.get(name, name)}="{html.escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{told}>{join(inside)}</{tag}>")


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Put parts together, escaping what is no markup; None and empty parts are left out."""
    kept = (p for p in parts if p is not None and p != "")
    gap = between if isinstance(between, Markup) else html.escape(between)
    return Markup(gap.join(p if isinstance(p, Markup) else html.escape(str(p)) for p in kept))


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], cls: str = "") -> Markup:
    """Write a table; its head repeats on each page. Only words too long for a column are cut."""
    body = [el("tr", *(_cell(cell) for cell in row)) for row in rows]
    if not body:
        return el("p", "None.", cls="note")
    head = el("thead", el("tr", *(el("th", name, scope="col") for name in heads)))
    return el("table", head, el("tbody", *body), cls=cls or None)


def _cell(told: object) -> Markup:
    words_of_it = re.sub(r"<[^>]*>", " ", str(told)).split()
    long = max(map(len, words_of_it), default=0) > LONG
    return el("td", told, cls="long" if long else None)


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """Write names and values, leaving out those without a value."""
    rows = [join((el("dt", name), el("dd", value))) for name, value in pairs if value]
    return el("dl", *rows)


def section(number: str, title: str, *inside: object) -> Markup:
    """Write a numbered section."""
    return el("section", el("h2", f"{number} {title}"), *inside, id=f"s{number}")


def anchor(number: str) -> str:
    """Give the id in the page of a finding, gap or piece of evidence."""
    return "i-" + re.sub(r"[^\w.-]", "_", number)


def here(number: str) -> Markup:
    """Write an id where its item stands, so that citations lead to it."""
    return el("code", _breaking(number), id=anchor(number), cls="id")


def cited(ids: Iterable[str], known: frozenset[str]) -> Markup:
    """Write citations as links; an id that has no place in the page stays plain."""
    links = (
        el("a", _breaking(i), href=f"#{anchor(i)}", cls="cite")
        if i in known
        else el("span", _breaking(i), cls="cite")
        for i in dict.fromkeys(ids)
    )
    return join(links, " ")


def _breaking(number: str) -> Markup:
    """Let an id break after its check, not within a word."""
    return join(number.split("."), Markup(".<wbr>"))


def chip(text: str, kind: str) -> Markup:
    """Write a word of state, coloured by its kind."""
    return el("span", words(text), cls=f"chip {kind}")


def digest(sha256: str) -> Markup:
    """Write a hash short."""
    return el("code", sha256[:SHORT], title=sha256) if sha256 else Markup("")


def sentence(text: str) -> str:
    """Let a text begin as a sentence does."""
    return text[:1].upper() + text[1:]


def words(code: object) -> str:
    """Write a code as words, as a sentence begins: POSSIBLE_PEP as Possible PEP."""
    return sentence(phrase(code))


def phrase(code: object) -> str:
    """Write a code as words within a sentence: CREDIT_MODEL_ALARM as credit model alarm."""
    return spelled(str(code).lower())


def spelled(text: str) -> str:
    """Spell names of fields as words: net_debt / ebitda as net debt / EBITDA."""
    return ACRONYMS.sub(lambda found: found[0].upper(), text.replace("_", " "))


def money(currency: str, amount: float | Decimal) -> str:
    """Write an amount: EUR 50,000."""
    return f"{currency} {amount:,.0f}"


def country(code: str) -> str:
    """Write a country with its name: Germany (DE). A code without a name stays as it is."""
    names = LOCALE_DATA.get(code, {})
    name = names.get("en", "")
    name = names.get(name[1:], "") if name.startswith("*") else name  # "as in that language"
    return f"{name} ({code})" if name else code


def day(moment: date | None) -> str:
    """Write a day: 20 November 2026."""
    return f"{moment.day} {moment:%B %Y}" if moment else ""


def stamp(at: datetime) -> Markup:
    """Write a moment for a narrow column: it breaks between day and time only."""
    return join(
        (el("span", f"{at:%Y-%m-%d}", cls="whole"), el("span", f"{at:%H:%M:%S}", cls="whole")), " "
    )


def moment(at: datetime | None) -> str:
    """Write a moment to the second: 27 November 2026, 10:09:31 UTC."""
    return f"{at.day} {at:%B %Y, %H:%M:%S} UTC" if at else ""
