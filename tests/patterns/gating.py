"""What the tests of gates share."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.patterns.virtual import run
from workflows.data.common import Condition, Decision, Record, Verdict
from workflows.patterns.gate import GateSpec, Level, Reminder
from workflows.patterns.open_gate import Gate

PEOPLE = {
    "ann": "analyst",
    "bob": "analyst senior",
    "cleo": "compliance",
    "dan": "senior compliance",
    "eve": "",
}
DAY = timedelta(days=1)


class Amount(Record):
    """What a person supplies in these tests."""

    usd: int
    why: str = ""


def roles(people: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {name: frozenset(said.split()) for name, said in people.items()}


def level(days: float, **people: str) -> Level:
    return Level(after=DAY * days, people=roles(people))


def spec(
    needs: str,
    people: Mapping[str, str] = PEOPLE,
    excluded: str = "",
    deputies: Mapping[str, str] | None = None,
    **more: Any,
) -> GateSpec:
    """Build a gate from words; a deadline of three days, reminders daily."""
    given: dict[str, Any] = {
        "name": "review",
        "question": "What becomes of the customer?",
        "proposal": "approve",
        "deadline": 3 * DAY,
        "remind_every": DAY,
        "deputies": {of: tuple(names.split()) for of, names in (deputies or {}).items()},
    }
    return GateSpec(
        people=roles(people),
        needs=tuple(needs.split()),
        excluded=frozenset(excluded.split()),
        **(given | more),
    )


def opened(given: GateSpec) -> Gate:
    """Open a gate without waiting at it."""

    async def gate() -> Gate:
        return Gate(given)

    return run(gate())


def decides(by: str, verdict: Verdict = Verdict.APPROVE, limit: str = "", **more: Any) -> Decision:
    conditions = (Condition(code="LIMIT", value=limit),) if limit else ()
    return Decision(verdict=verdict, by=by, conditions=conditions, **more)


def after(gate: Gate, names: str) -> Gate:
    """Let people decide in order, each as `ann` or, for somebody, as `dora/cleo`."""
    for word in names.split():
        by, _, of = word.partition("/")
        decision = decides(by, stands_for=of or None)
        assert gate.refuse(decision) is None, word
        gate.take(decision)
    return gate


class Channel:
    """Keeps what people were told."""

    def __init__(self) -> None:
        self.told: list[Reminder] = []

    async def remind(self, reminder: Reminder) -> None:
        self.told.append(reminder)
