"""Open gates are kept by case, and looked at in turn."""

from datetime import timedelta

from store.database import Store
from store.open_gates import OpenGates
from workflows.data.metrics import GateNote

ALL = timedelta(seconds=-10)


def note(case: str, gate: str, *, opened: bool = True) -> GateNote:
    return GateNote(case, f"process-{case[0]}", gate, opened)


async def test_each_is_counted_once_until_it_ends_or_its_case_has_closed(store: Store) -> None:
    gates, others = OpenGates(store, "one"), OpenGates(store, "another")
    await others.keep([note("a1", "review")])
    await gates.keep([note("a1", "review"), note("a1", "review"), note("a2", "review")])
    await gates.keep([note("b1", "x"), note("b1", "y"), note("b1", "x", opened=False)])
    assert await gates.counted() == {"process-a": 2, "process-b": 1}
    assert await gates.unseen(timedelta(hours=1), 9) == []
    assert await gates.unseen(ALL, 2) == ["a1", "a2"]
    await gates.looked(["a1", "a2"], closed=["a1"])
    assert await gates.unseen(ALL, 9) == ["b1", "a2"], "the longest unseen first"
    assert await gates.counted() == {"process-a": 1, "process-b": 1}
    assert await others.counted() == {"process-a": 1}
