"""Records of W1 to W5, apart from the workflows as those of our processes are."""

from workflows.data.common import Record


class Nap(Record):
    """A sleep of so many seconds."""

    name: str
    seconds: float


class Stages(Record):
    """Sleeps: the stages run in order, the sleeps of a stage at once, at most `limit` of them."""

    stages: tuple[tuple[float, ...], ...]
    limit: int | None = None
    bare: bool = False
    """With bare asyncio.gather instead of a join."""
    case: str = ""


class Cases(Record):
    """So many cases of the same stages."""

    count: int
    stages: tuple[tuple[float, ...], ...]
    window: int = 200
