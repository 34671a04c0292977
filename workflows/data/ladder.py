"""Record of a ladder: what each rung said, and why it went on."""

from typing import Literal, TypeAlias

from pydantic import AwareDatetime, JsonValue

from workflows.data.common import Record

RungState: TypeAlias = Literal["accepted", "rejected", "failed", "timed_out"]


class RungView(Record):
    """One attempt of a ladder. `value` is what it said, as JSON; `why` the error if it failed."""

    rung: str
    state: RungState
    value: JsonValue = None
    score: float | None = None
    why: str = ""
    started: AwareDatetime
    ended: AwareDatetime
