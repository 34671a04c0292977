"""How a case stands: everything its queries say, asked at once."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from cli.cases import Handle, ask
from cli.processes import ProcessEntry
from workflows.data.common import BranchView, CostView, GateView, Refusal, StatusView


@dataclass(frozen=True)
class Standing:
    """Everything the queries of a case say."""

    status: StatusView
    branches: list[BranchView]
    open_gates: list[GateView]
    cost: CostView
    refusals: list[Refusal]
    result_so_far: Any
    """In the shape of the process's own record."""

    def plain(self) -> dict[str, Any]:
        """Give it as JSON."""
        return TypeAdapter(Standing).dump_python(self, mode="json")  # type: ignore[no-any-return]


async def standing(handle: Handle, entry: ProcessEntry) -> Standing:
    """Ask a case all its queries."""
    return Standing(
        status=await ask(handle, "status", StatusView),
        branches=await ask(handle, "branches", list[BranchView]),
        open_gates=await ask(handle, "open_gates", list[GateView]),
        cost=await ask(handle, "cost", CostView),
        refusals=await ask(handle, "refusals", list[Refusal]),
        result_so_far=await ask(handle, "result_so_far", entry.so_far),
    )
