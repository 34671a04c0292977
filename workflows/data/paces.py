"""How much slower than planned a run was, kept for the next run of the same plan."""

from typing import Annotated

from pydantic import Field

from workflows.data.common import Record


class Pace(Record):
    """Of a run by choices: its steps took `slower` thousandths of what was learned.

    It holds for the times it was measured against: those of `snapshot` (0: as given) and of the
    definition whose sha256 it names.
    """

    blueprint: str
    definition: str
    snapshot: Annotated[int, Field(ge=0)] = 0
    slower: Annotated[int, Field(gt=0)]
