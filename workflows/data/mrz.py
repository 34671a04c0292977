"""Machine readable zones of travel documents, by ICAO Doc 9303 parts 3 to 7: read and checked.

TD1 (three lines of 30), TD2 and MRV-B (two of 36), TD3 and MRV-A (two of 44). Visas (MRV) have
no composite digit.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from workflows.data.common import Record

Format = Literal["TD1", "TD2", "TD3", "MRV-A", "MRV-B"]
Failed = Literal["number", "birth", "expiry", "personal", "composite"]
_WEIGHTS = (7, 3, 1)
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LIKE = str.maketrans("OQDILZSGB", "000112568")
"""Letters a scanner takes for a digit, to the digit."""


class Zone(Record):
    """What a zone says. `failed` names the check digits that do not fit: a forgery, or a misread
    scan; `misread` says that letters stand where only digits may, and with digits in their place
    everything fits. Dates are None where the zone leaves them open or they are no days.
    """

    format: Format
    code: str
    """Kind of document: P passport, I, A or C identity card, V visa, with an optional letter."""
    issuer: str
    surname: str
    given_names: str
    number: str
    nationality: str
    birth_date: date | None
    sex: Literal["F", "M", ""]
    expiry_date: date | None
    failed: tuple[Failed, ...] = ()
    misread: bool = False


@dataclass(frozen=True)
class _Layout:
    """Where fields stand in the lines put one after the other: pairs of start and end."""

    number: tuple[int, int]
    optional: tuple[int, int]
    nationality: int
    birth: int
    expiry: int
    names: tuple[int, int]
    personal: tuple[int, int] | None = None
    composite: tuple[tuple[int, int], ...] = ()


_TD3 = _Layout((44, 53), (72, 86), 54, 57, 65, (5, 44), (72, 86), ((44, 54), (57, 64), (65, 87)))
_TD2 = _Layout((36, 45), (64, 71), 46, 49, 57, (5, 36), None, ((36, 46), (49, 56), (57, 71)))
_TD1 = _Layout(
    (5, 14), (15, 30), 45, 30, 38, (60, 90), None, ((5, 30), (30, 37), (38, 45), (48, 59))
)
_MRV_A = _Layout((44, 53), (72, 88), 54, 57, 65, (5, 44))
_MRV_B = _Layout((36, 45), (64, 72), 46, 49, 57, (5, 36))
_LAYOUTS: dict[tuple[int, ...], dict[bool, tuple[Format, _Layout]]] = {
    (30, 30, 30): {False: ("TD1", _TD1)},
    (36, 36): {False: ("TD2", _TD2), True: ("MRV-B", _MRV_B)},
    (44, 44): {False: ("TD3", _TD3), True: ("MRV-A", _MRV_A)},
}


def parse(lines: tuple[str, ...], on: date) -> Zone:
    """Read a zone as of a day, which tells the centuries of its two-digit years.

    Raises ValueError where the lines are no zone at all; wrong check digits are told, not raised.
    """
    form, layout, text = _laid_out(lines)
    failed = _failed(layout, text)
    mended = _digits_mended(layout, text)
    surname, _, given = text[slice(*layout.names)].partition("<<")
    return Zone(
        format=form,
        code=_plain(text[0:2]),
        issuer=_plain(text[2:5]),
        surname=_plain(surname),
        given_names=_plain(given),
        number=_number(layout, text)[0],
        nationality=_plain(text[layout.nationality : layout.nationality + 3]),
        birth_date=_day(text[layout.birth : layout.birth + 6], on, ahead=0),
        sex=_sex(text[layout.birth + 7]),
        expiry_date=_day(text[layout.expiry : layout.expiry + 6], on, ahead=50),
        failed=failed,
        misread=bool(failed) and mended != text and not _failed(layout, mended),
    )


def digit(field: str) -> str:
    """Compute a check digit: weights 7, 3, 1; letters count from 10, fillers nought."""
    total = sum(max(_ALPHABET.find(c), 0) * _WEIGHTS[n % 3] for n, c in enumerate(field))
    return str(total % 10)


def _laid_out(lines: tuple[str, ...]) -> tuple[Format, _Layout, str]:
    clean = tuple(line.strip().upper() for line in lines)
    lengths = tuple(len(line) for line in clean)
    if lengths not in _LAYOUTS:
        raise ValueError(
            f"a machine readable zone has lines of 30, 30, 30 or 36, 36 or 44, 44 characters;"
            f" these have {', '.join(map(str, lengths)) or 'none'}: copy every < too"
        )
    text = "".join(clean)
    if strange := sorted(set(re.sub(r"[A-Z0-9<]", "", text))):
        raise ValueError(
            f"a machine readable zone holds A to Z, 0 to 9 and < only; remove {' '.join(strange)!r}"
        )
    forms = _LAYOUTS[lengths]
    form, layout = forms.get(text[0] == "V") or forms[False]
    return form, layout, text


def _number(layout: _Layout, text: str) -> tuple[str, str, str]:
    """Give a document's number, what its digit is over, and the digit.

    Cards whose number has more than nine characters put < for the digit, and the rest with the
    digit into the optional data.
    """
    start, end = layout.number
    field, given = text[start:end], text[end]
    rest = text[slice(*layout.optional)].partition("<")[0]
    if given == "<" and len(rest) > 1 and layout in (_TD1, _TD2):
        return field + rest[:-1], f"{field}<{rest[:-1]}", rest[-1]
    return field.replace("<", ""), field, given


def _failed(layout: _Layout, text: str) -> tuple[Failed, ...]:
    """Name the check digits that do not fit, in the order they stand in Doc 9303."""
    _, field, given = _number(layout, text)
    failed: list[Failed] = []
    if digit(field) != given:
        failed.append("number")
    if digit(text[layout.birth : layout.birth + 6]) != text[layout.birth + 6]:
        failed.append("birth")
    if digit(text[layout.expiry : layout.expiry + 6]) != text[layout.expiry + 6]:
        failed.append("expiry")
    if layout.personal and not _personal(text, *layout.personal):
        failed.append("personal")
    if layout.composite:
        composite = text[59] if layout is _TD1 else text[-1]
        if digit("".join(text[a:b] for a, b in layout.composite)) != composite:
            failed.append("composite")
    return tuple(failed)


def _personal(text: str, start: int, end: int) -> bool:
    """Check a passport's optional data, whose digit may be a filler where the data is empty."""
    field, given = text[start:end], text[end]
    return digit(field) == given or (given == "<" and not field.strip("<"))


def _digits_mended(layout: _Layout, text: str) -> str:
    """Put the digit for each letter a scanner takes for one, where only digits may stand."""
    for start in (layout.birth, layout.expiry):
        text = text[:start] + text[start : start + 7].translate(_LIKE) + text[start + 7 :]
    end = layout.number[1]
    return text[:end] + text[end].translate(_LIKE) + text[end + 1 :]


def _day(field: str, on: date, *, ahead: int) -> date | None:
    """Read YYMMDD as the latest such day that is not more than `ahead` years after `on`."""
    if not field.isdigit():
        return None
    century = on.year - on.year % 100
    for year in (century + 100, century, century - 100):
        try:
            day = date(year + int(field[:2]), int(field[2:4]), int(field[4:]))
        except ValueError:
            continue
        if day <= on or day.year < on.year + ahead:
            return day
    return None


def _sex(letter: str) -> Literal["F", "M", ""]:
    if letter == "F":
        return "F"
    return "M" if letter == "M" else ""


def _plain(field: str) -> str:
    return " ".join(field.replace("<", " ").split())
