"""Why a decision cannot count: words for its sender, and a code that names nobody for the log."""

from enum import StrEnum


class Why(StrEnum):
    """The kinds of reasons."""

    NO_GATE = "no_gate"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    UNSIGNED = "unsigned"
    FORGED = "forged"
    """Not signed with the key of the person it names, or no token at all."""
    ELSEWHERE = "elsewhere"
    """Signed, but for another case, gate, opening, person or decision."""
    EXPIRED = "expired"
    REPLAYED = "replayed"
    FOUR_EYES = "four_eyes"
    STRANGER = "stranger"
    SEAT_TAKEN = "seat_taken"
    WRONG_ROLE = "wrong_role"
    UNFIT = "unfit"
    """The verdict or its value is none the gate takes."""


class Objection(str):
    """The reason, as its sender reads it."""

    __slots__ = ("why",)
    why: Why

    def __new__(cls, why: Why, said: str) -> "Objection":
        """Make one of a kind of reason and its words."""
        made = super().__new__(cls, said)
        made.why = why
        return made
