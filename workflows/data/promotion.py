"""Records of promotion: as what the new cases of a process run."""

from collections.abc import Mapping

from pydantic import Field

from workflows.data.blueprints.blueprint import Blueprint
from workflows.data.blueprints.recast import recast
from workflows.data.common import JSON, Record


class RunsAs(Record):
    """How a new case runs: as which process (ids begin with `prefix`), on the workers of which
    `build`, in which grade, whether one call at a time, and by which blueprint.

    A blueprint is kept as it was promoted: its file may be edited meanwhile.
    """

    process: str
    prefix: str
    build: str = ""
    grade: str = ""
    sequential: bool = False
    blueprint: Blueprint | None = None
    others: Mapping[str, Blueprint] = Field(default_factory=dict)

    def given(self, known: Mapping[str, JSON]) -> dict[str, JSON]:
        """Turn a case's input into what runs. Raises ValueError if a field is missing."""
        if self.blueprint is None:
            return dict(known)
        return recast(self.blueprint, self.others, known).model_dump(mode="json")

    def queue(self, queue: str) -> str:
        """Name the queue, that of the build if it is one of its own."""
        return f"{queue}-{self.build}" if self.build else queue


class PromotionQuery(Record):
    """Which process is to be started with what; `service` is the Temporal service as the store
    knows it.
    """

    service: str
    process: str
    given: dict[str, JSON]


class NewCase(Record):
    """As what a case is started, and with what; `runs` is None where nothing was promoted."""

    runs: RunsAs | None
    given: dict[str, JSON]
