"""The audit of a case: rows chained by hashes, so that a changed, lost or moved one shows."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from workflows.data.common import Record

FIRST = "0" * 64
"""What the first row names as the hash before it."""
LONGEST = 300
"""Characters of a row's texts. Longer ones are cut: the record of the case holds them whole."""

Moment = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ActorKind(StrEnum):
    """Who can act in a case."""

    PERSON = "person"
    WORKFLOW = "workflow"
    MODEL = "model"
    CONNECTOR = "connector"
    """A source or a service, by its name."""


class Actor(Record):
    """Who did what a row tells."""

    type: ActorKind
    id: str


class Action(StrEnum):
    """What a row tells."""

    CASE_OPENED = "case.opened"
    CHECK_ENDED = "check.ended"
    PARTY_DISCOVERED = "party.discovered"
    FINDING = "finding.recorded"
    GAP = "gap.recorded"
    HIT_DISPOSED = "hit.disposed"
    NARRATIVE = "narrative.written"
    TIER_SET = "tier.set"
    TIER_RAISED = "tier.raised"
    GATE_OPENED = "gate.opened"
    GATE_REMINDED = "gate.reminded"
    GATE_ESCALATED = "gate.escalated"
    GATE_DECIDED = "gate.decided"
    DECISION_REFUSED = "decision.refused"
    GATE_EXPIRED = "gate.expired"
    PHASE_SEALED = "phase.sealed"
    PHASE_LOCKED = "phase.locked"
    PHASE_FELL = "phase.fell"
    DECISION = "decision.made"
    EFFECT = "effect.done"
    TASK_OPENED = "task.opened"
    CASE_CLOSED = "case.closed"
    LEFT_OUT = "rows.left_out"


class AuditRow(Record):
    """One row. `hash` is the sha256 of its canonical JSON without `hash`; see `canonical`."""

    seq: Annotated[int, Field(ge=1)]
    at: Moment
    actor: Actor
    action: Action
    target: str
    before: str | None = None
    after: str | None = None
    reason: str = ""
    prev_hash: Hash
    hash: Hash

    @classmethod
    def after_row(
        cls, last: "AuditRow | None", at: datetime, actor: Actor, action: Action, **told: Any
    ) -> Self:
        """Write the row that follows `last` (None: the first), its texts cut and its hash made."""
        short = {k: v[:LONGEST] if isinstance(v, str) else v for k, v in told.items()}
        row = cls(
            seq=last.seq + 1 if last else 1,
            at=at,
            actor=actor,
            action=action,
            prev_hash=last.hash if last else FIRST,
            hash=FIRST,
            **short,
        )
        return row.model_copy(update={"hash": digest(row.model_dump(mode="json"))})


class AuditPage(Record):
    """The answer to the query `audit`: rows in order, and how many there are by now."""

    rows: tuple[AuditRow, ...]
    total: int


class Broken(Record):
    """The first place where a chain does not hold. `row` counts from 1, as it stands there."""

    row: int
    why: str


def canonical(value: Mapping[str, Any]) -> str:
    """Write JSON the one way that is hashed: sorted keys, no spaces, text as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(row: Mapping[str, Any]) -> str:
    """Give the hash of a row as plain JSON: over everything in it but `hash`."""
    rest = {k: v for k, v in row.items() if k != "hash"}
    return sha256(canonical(rest).encode("utf-8", "surrogatepass")).hexdigest()


def broken(rows: Iterable[Mapping[str, Any]], head: str = "") -> Broken | None:
    """Find the first row, as plain JSON, that does not hold; None if the chain is whole.

    Every row must carry the next number, the hash before it and its own. A chain whose last rows
    were cut off holds in itself, so `head`, the hash another record names, must be one of them.
    """
    before, number, heads = FIRST, 0, set[str]()
    for number, row in enumerate(rows, 1):
        if row.get("seq") != number:
            return Broken(row=number, why=f"seq is {row.get('seq')!r}, {number} is due")
        if row.get("prev_hash") != before:
            return Broken(row=number, why="prev_hash is not the hash of the row before")
        if row.get("hash") != (made := digest(row)):
            return Broken(row=number, why="its content does not have the hash it names")
        before = made
        heads.add(made)
    if head and head not in heads:
        return Broken(row=number + 1, why="the decision record names a later row, which is missing")
    return None
