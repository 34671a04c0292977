"""The process of the bench of batches: one call, as a step, so that both grades can run it."""

from datetime import timedelta

from temporalio import workflow

from workflows.calls import Call, ask
from workflows.data.common import CaseId, Record
from workflows.data.spread import ItemPage, PageQuery
from workflows.grades import step
from workflows.patterns.process import Process


class Letter(Record):
    """A letter to be read."""

    case: CaseId
    text: str


class LetterRead(Record):
    """How long it is."""

    case: CaseId
    words: int


READ = Call("bench_read", Letter, LetterRead, timeout=timedelta(seconds=30), attempts=5)
LETTERS = Call("bench_letters", PageQuery, ItemPage, timeout=timedelta(seconds=30), attempts=5)


@step("bench-letter", Letter, LetterRead)
async def read_letter(letter: Letter) -> LetterRead:
    """Read a letter."""
    return await ask(READ, letter)


@workflow.defn(name="bench-letter")
class ReadLetter(Process):
    """One letter."""

    @workflow.init
    def __init__(self, letter: Letter) -> None:
        super().__init__("bench-letter", letter.case)

    @workflow.run
    async def run(self, letter: Letter) -> LetterRead:
        """Read it."""
        return await read_letter(letter)
