"""Machine readable zones: specimens of ICAO Doc 9303, and every single wrong character."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.data.mrz import digit, parse

ON = date(2026, 11, 20)
TD3 = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
)
TD1 = (
    "I<UTOD231458907<<<<<<<<<<<<<<<",
    "7408122F1204159UTO<<<<<<<<<<<6",
    "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
)
NOT_STATED = "X" * 3
"""ICAO's code for a nationality that is not stated, as its specimen of a visa prints it."""
VISA = (
    "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
    f"L8988901C4{NOT_STATED}4009078F96121096ZE184226B<<<<<<",
)


def test_all_specimens(shared_data: Path) -> None:
    """16 of 16: format, fields, and which digits fail."""
    records = json.loads((shared_data / "dd/mrz/icao_specimens.json").read_text())["records"]
    assert len(records) == 16
    for record in records:
        zone = parse(tuple(record["lines"]), ON)
        assert (zone.format, list(zone.failed)) == (record["format"], record["failed_checks"])
        assert zone.misread is (record.get("tamper") == "ocr_O_for_0")
        if record["valid"]:
            said = (zone.surname, zone.given_names, zone.number, zone.nationality, zone.sex)
            names = ("surname", "given_names", "document_number", "nationality", "sex")
            assert said == tuple(record[name] for name in names)
            days = (str(zone.birth_date), str(zone.expiry_date))
            assert days == (record["birth_date"], record["expiry_date"])


def test_a_visa_has_no_composite_digit() -> None:
    zone = parse(VISA, ON)
    assert (zone.format, zone.failed, zone.number) == ("MRV-A", (), "L8988901C")
    assert (zone.birth_date, zone.expiry_date) == (date(1940, 9, 7), date(1996, 12, 10))
    assert parse((VISA[0][:36], VISA[1][:36]), ON).format == "MRV-B"


def test_a_long_number_goes_on_in_the_optional_data() -> None:
    """Doc 9303 part 5: D23145890734 with digit 9."""
    first = "I<UTOD23145890<7349<<<<<<<<<<<"
    zone = parse((first, "7408122F1204159UTO<<<<<<<<<<<" + "6", TD1[2]), ON)
    assert zone.number == "D23145890734"
    assert "number" not in zone.failed


@pytest.mark.parametrize("place", [n for n in range(28) if n != 20])
def test_every_wrong_digit_of_a_checked_field_is_caught(place: int) -> None:
    """Ten letters apart is the same to the digit, so the field is changed by one."""
    line = TD3[1]
    if not line[place].isdigit() or 10 <= place < 13:
        return
    wrong = line[:place] + str((int(line[place]) + 1) % 10) + line[place + 1 :]
    assert parse((TD3[0], wrong), ON).failed


@pytest.mark.parametrize(
    ("field", "on", "birth"),
    [
        ("260101", ON, date(2026, 1, 1)),
        ("261231", ON, date(1926, 12, 31)),
        ("000229", ON, date(2000, 2, 29)),
        ("990230", ON, None),
        ("74<<<<", ON, None),
    ],
)
def test_centuries(field: str, on: date, birth: date | None) -> None:
    line = field + digit(field) + TD1[1][7:]
    assert parse((TD1[0], line, TD1[2]), on).birth_date == birth


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((), "these have none"),
        (("P<UTO",), "these have 5"),
        ((TD3[0], TD3[1][:-1]), "these have 44, 43"),
        ((TD3[0], TD3[1][:-1] + "*"), "remove '*'"),
    ],
)
def test_what_is_no_zone_is_refused(lines: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("*", r"\*")):
        parse(lines, ON)


@given(st.lists(st.text("AZ09<OI", min_size=36, max_size=36), min_size=2, max_size=2))
def test_any_zone_is_read(lines: list[str]) -> None:
    assert parse(tuple(lines), ON).format in ("TD2", "MRV-B")
