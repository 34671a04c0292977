"""Findings of the audit: code, place, explanation, mend."""

from enum import StrEnum

from workflows.data.common import Record

At = tuple[int | str, ...]
"""Where in the blueprint, by names and numbers from the outside in: ("steps", "draft", "needs")."""


class Level(StrEnum):
    """How grave: an error is refused before anything runs, a warning costs, a note is advice."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Code(StrEnum):
    """What is found. docs/flaws.md explains each."""

    TEMPLATE = "template"
    ADDRESS = "address"
    UNKNOWN_NAME = "unknown-name"
    UNKNOWN_STEP = "unknown-step"
    UNKNOWN_FIELD = "unknown-field"
    UNKNOWN_INPUT = "unknown-input"
    NO_ITEM = "no-item"
    NO_LAST = "no-last"
    NOT_A_LIST = "not-a-list"
    CYCLE = "cycle"
    BEFORE_ITS_INPUT = "before-its-input"
    FALSE_INDEPENDENCE = "false-independence"
    ENDLESS = "endless"
    NEVER_IN_TIME = "never-in-time"
    UNUSED_RESULT = "unused-result"
    UNUSED_INPUT = "unused-input"
    FALSE_ORDER = "false-order"
    HABIT = "order-by-habit"
    BARRIER = "needless-barrier"
    CONFLICT = "conflict"
    NO_UNDO = "no-undo"
    DECIDED_TWICE = "decided-twice"
    UNBOUNDED = "unbounded"
    IDLE_LOOP = "idle-loop"
    MISSING_PATH = "missing-path"
    EXPLOSION = "path-explosion"
    NO_WAY_OUT = "no-way-out"
    CROWDED = "too-many-branches"
    SEQUENTIAL = "ran-in-turn"


_ERRORS = frozenset([*Code][: [*Code].index(Code.NEVER_IN_TIME)])
_NOTES = frozenset({Code.UNUSED_INPUT, Code.NO_WAY_OUT, Code.CROWDED, Code.NO_UNDO})


class AuditFinding(Record):
    """One finding. `line` is the line within the text at that place, from 1."""

    code: Code
    at: At
    line: int = 1
    says: str
    mend: str
    steps: tuple[str, ...] = ()
    """The steps it is about."""

    @property
    def level(self) -> Level:
        """How grave it is."""
        if self.code in _ERRORS:
            return Level.ERROR
        return Level.NOTE if self.code in _NOTES else Level.WARNING


class Offers(Record):
    """What the settings offer to be named."""

    roles: frozenset[str]
