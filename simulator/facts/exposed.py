"""Politically exposed persons of the simulator. All of them are invented."""

from dataclasses import dataclass

AS_OF = "2026-11-01"
OFFICE, FAMILY = "role.pep", "role.rca"
"""Who holds an office; who is family of one, or close."""


@dataclass(frozen=True)
class Exposed:
    """One person: the offices held, or of whom they are family, in words."""

    entry: str
    name: str
    born: str
    country: str
    positions: tuple[str, ...]
    topic: str = OFFICE
    aliases: tuple[str, ...] = ()


EXPOSED = (
    Exposed(
        "pep-1001",
        "Ottokar Weissenbruck",
        "1961-04-17",
        "de",
        ("Member of a state parliament (2011-)",),
        aliases=("Otto Weissenbruck",),
    ),
    Exposed(
        "pep-1002",
        "Philippa Harcourt-Quillfeather",
        "1958-09-02",
        "gb",
        ("Minister of State (2019-2022)", "Member of Parliament (2005-2024)"),
        aliases=("Pippa Quillfeather",),
    ),
    Exposed(
        "pep-1003",
        "Tobias Harcourt-Quillfeather",
        "1989-12",
        "gb",
        ("Son of a former minister of state",),
        topic=FAMILY,
    ),
    Exposed(
        "pep-1004",
        "Ilmar Tõnspuu",
        "1970-06-30",
        "ee",
        ("Member of the board of the central bank (2018-)",),
    ),
    Exposed(
        "pep-1005",
        "Anatoly Severinovich Drozdekin",
        "1966-11-21",
        "ru",
        ("Deputy chair of a state corporation (2014-)",),
        aliases=("Анатолий Северинович Дроздекин",),
    ),
    Exposed(
        "pep-1006",
        "Marisol Etxeandia Larrauri",
        "1975",
        "es",
        ("Mayor of a capital of a province (2019-)",),
    ),
    Exposed(
        "pep-1007",
        "Delphine Oumarou-Castelnau",
        "1963-02-11",
        "fr",
        ("Judge of a supreme court (2012-)",),
    ),
    Exposed(
        "pep-1008",
        "Chukwudi Abernathy Olorunfemi",
        "1955-08-08",
        "ng",
        ("Ambassador (2016-2020)",),
    ),
)
