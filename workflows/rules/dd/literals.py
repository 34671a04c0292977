"""Due diligence: what can be checked in a sentence to the letter: dates, numbers, names, states."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from anyascii import anyascii

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_NAMED = "|".join(_MONTHS)
_DATE = re.compile(
    rf"\b(\d{{4}})-(\d\d)(?:-(\d\d))?\b|\b(?:(\d{{1,2}})\.? )?({_NAMED}) (\d{{4}})\b", re.I
)
_DIGITS = re.compile(r"[\w'/.,-]*\d[\w'/.,-]*")
_NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_IDENTIFIER = re.compile(r"0\d{3,}")
_SCALE = {
    "thousand": 1_000,
    "million": 1_000_000,
    "billion": 1_000_000_000,
    "m": 1_000_000,
    "bn": 1_000_000_000,
}
_COUNTS = {
    w: n
    for n, w in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"), 2
    )
}
_STATES = {
    "active": r"active",
    "dissolved": r"dissol\w+|struck off|ceased to exist",
    "dormant": r"dormant",
    "deregistered": r"deregister\w+",
    "insolvent": r"insolven\w+|bankrupt\w*|receivership|liquidat\w+",
    "in distress": r"distress\w*",
    "accelerated": r"accelerat\w+",
    "overdue": r"overdue",
    "sanctioned": r"sanctioned|blocked|designated",
    "politically exposed": r"politically exposed|peps?",
    "disqualified": r"disqualif\w+",
    "debarred": r"debar\w+",
    "convicted": r"convict\w+",
    "charged": r"charged|indict\w+|prosecut\w+",
    "acquitted": r"acquit\w+",
    "fraud": r"fraud\w*|launder\w*|brib\w*|corrupt\w*",
    "forged": r"forg\w+|tamper\w+",
    "expired": r"expire\w*",
    "lapsed": r"lapsed",
    "exempt": r"exempt\w*",
    "confirmed": r"confirmed|true match",
    "clear": r"clear|cleared|clean",
}
_STATE = re.compile(
    r"\b(?:" + "|".join(f"(?P<s{n}>{p})" for n, p in enumerate(_STATES.values())) + r")\b", re.I
)
_NOT = re.compile(r"\b(?:no|not|never|without|neither|nor|non)\b(?:[ -][\w']+){0,3}[ -]$", re.I)
_SENTENCE = re.compile(r"(?:^|[.!?:;]\s+|[\"'(\[])$")
_WORD = re.compile(r"[^\W\d_][\w'-]*")


def folded(text: str) -> str:
    """Fold a text for comparison: Latin letters, small, `_` as a space."""
    return anyascii(text).replace("_", " ").casefold()


@dataclass(frozen=True)
class Literals:
    """A text taken apart. Built once for a claim and once for what it cites."""

    text: str

    @cached_property
    def dates(self) -> frozenset[tuple[int, ...]]:
        """Days as (year, month, day), and (year, month) where no day is said."""
        return frozenset(_day(m) for m in _DATE.finditer(folded(self.text)))

    @cached_property
    def tokens(self) -> tuple[tuple[str, str], ...]:
        """Each run of signs with a digit in it, dates apart, with the word that follows it."""
        rest = _DATE.sub(" ", folded(self.text))
        found = []
        for m in _DIGITS.finditer(rest):
            after = re.match(r"\s*(%|\w+)?", rest[m.end() :])
            found.append((m.group().strip(".,-'/"), (after and after.group(1)) or ""))
        return tuple(found)

    @cached_property
    def numbers(self) -> frozenset[Decimal]:
        """All numbers, those of dates too."""
        plain = {Decimal(n) for day in self.dates for n in day}
        plain |= {Decimal(t.replace(",", "")) for t, _ in self.tokens if _is_number(t)}
        words = set(re.findall(r"[a-z]+", folded(self.text)))
        return frozenset(plain | {Decimal(n) for w, n in _COUNTS.items() if w in words})

    @cached_property
    def squeezed(self) -> str:
        """Letters and digits alone, for identifiers however they are spaced."""
        return re.sub(r"[^a-z0-9]", "", folded(self.text))

    @cached_property
    def words(self) -> frozenset[str]:
        """All words, small."""
        return frozenset(_WORD.findall(folded(self.text)))

    @cached_property
    def states(self) -> frozenset[tuple[str, bool]]:
        """Words of state, and whether they are denied: (`active`, True) for `not active`."""
        plain, names = folded(self.text), list(_STATES)
        found = set()
        for m in _STATE.finditer(plain):
            number = int(str(m.lastgroup)[1:])
            found.add((names[number], bool(_NOT.search(plain[: m.start()]))))
        return frozenset(found)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Capitalised words but those that only open a sentence."""
        found = []
        plain = _DATE.sub(" ", self.text).replace("_", " ")
        for m in _WORD.finditer(plain):
            opens = bool(_SENTENCE.search(plain[: m.start()]))
            if m.group()[0].isupper() and not opens:
                found.append(m.group())
        return tuple(found)


def _is_number(token: str) -> bool:
    return bool(_NUMBER.fullmatch(token)) and not _IDENTIFIER.fullmatch(token)


def _day(m: "re.Match[str]") -> tuple[int, ...]:
    year, month, day = m.group(1), m.group(2), m.group(3)
    if year is None:
        year, month, day = m.group(6), str(_MONTHS.index(m.group(5)) + 1), m.group(4)
    return tuple(int(part) for part in (year, month, day) if part)


def unborne_date(claim: Literals, cited: Literals) -> str:
    """Name a date of the claim that is not in what it cites; empty if all are."""
    months = {d[:2] for d in cited.dates}
    lost = [d for d in claim.dates if d not in (cited.dates if len(d) == 3 else months)]
    return "-".join(f"{part:02}" for part in min(lost)) if lost else ""


def unborne_number(claim: Literals, cited: Literals, count: int) -> str:
    """Name a number or identifier of the claim that what it cites does not bear out.

    A number may be rounded, written in per cent or in millions, or `count` what is cited.
    """
    known = cited.numbers | {Decimal(count)}
    literal = {token for token, _ in cited.tokens}
    for token, after in claim.tokens:
        if token in literal:
            continue
        if _is_number(token):
            if not _follows(Decimal(token.replace(",", "")), after, known):
                return token
        elif len(plain := re.sub(r"[^a-z0-9]", "", token)) < 4 or plain not in cited.squeezed:
            return token
    said = {w: n for w, n in _COUNTS.items() if w in claim.words}
    return next((w for w, n in said.items() if Decimal(n) not in known), "")


def _follows(number: Decimal, after: str, known: Iterable[Decimal]) -> bool:
    scale = Decimal(_SCALE.get(after, 1))
    step = scale.scaleb(min(0, int(number.as_tuple().exponent)))
    wanted = number * scale
    share = Decimal(100) if after in ("%", "per", "percent") else Decimal(1)
    for one in known:
        for value in (one, one * share):
            if (value / step).quantize(Decimal(1), ROUND_HALF_UP) * step == wanted:
                return True
    return False


def unborne_name(claim: Literals, known: frozenset[str]) -> str:
    """Name a proper name of the claim that stands neither in what it cites nor in the case."""
    for name in claim.names:
        plain = re.sub(r"'s$", "", folded(name))
        if plain not in known and not set(re.split(r"[-']", plain)) <= known:
            return name
    return ""
