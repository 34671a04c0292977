"""A test process that passes a document through three activities."""

from datetime import timedelta
from functools import partial

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.calls import Call, ask
    from workflows.data.common import Record
    from workflows.data.context import Piece
    from workflows.data.documents import Document
    from workflows.grades import step
    from workflows.patterns.context import fit
    from workflows.patterns.join import Branch, join
    from workflows.patterns.retrieve import Retrieval
    from workflows.patterns.split import split

TEXT = "Zürich, 会社: the accounts of the year. "


class Wish(Record):
    """How many times the text is wanted."""

    times: int


class Text(Record):
    """A text that no record declares as a document."""

    text: str


class Long(Record):
    """What the process gives back: the document by reference, and how long its text was."""

    document: Document
    characters: int


WRITE = Call("write", Wish, Text, timedelta(seconds=10), attempts=5)
SHOUT = Call("shout", Text, Text, timedelta(seconds=10), attempts=5)
KEEP = Call("keep_document", Document, Document, timedelta(seconds=10), attempts=5)
READ = Call("read_document", Document, Document, timedelta(seconds=10), attempts=5)


@workflow.defn(name="test-documents")
class Documents:
    """Write a text, change it, keep it: each an activity given a large payload or giving one."""

    def __init__(self) -> None:
        self.last = ""

    @workflow.run
    async def run(self, wish: Wish) -> Long:
        """Pass the text on."""
        text = await ask(WRITE, wish)
        shouted = await ask(SHOUT, text)
        document = await ask(KEEP, Document(text=shouted.text))
        self.last = shouted.text
        return Long(document=document, characters=len(self.last))

    @workflow.query
    def whole(self) -> str:
        """Give the text: a query's answer stays inline."""
        return self.last


class Told(Record):
    """What each branch was told of the one document: its pieces, and how many were left out."""

    chosen: tuple[tuple[str, ...], ...]
    left_out: tuple[int, ...]
    documents: tuple[Document, ...]


@step("test_shared_context", Wish, Told)
async def shared_context(wish: Wish) -> Told:
    """Three branches want one document, each for another window."""
    retrieval = Retrieval()

    async def written() -> str:
        return (await ask(WRITE, wish)).text

    async def branch(window: int) -> tuple[Document, tuple[str, ...], int]:
        found = await retrieval.document("text", wish, written)
        text = (await ask(READ, found)).text or ""
        pieces = [Piece(name=p.name, text=p.text) for p in split(text, 8_000)]
        told = fit(pieces, window=window, reserve=1_000, about="accounts").record
        return found, told.chosen if told else (), len(told.left_out) if told else 0

    windows = (10_000, 40_000, 1_000_000)
    branches = [Branch(f"w{w}", partial(branch, w)) for w in windows]
    joined = await join(branches)
    documents, chosen, left_out = zip(*(joined[b] for b in branches), strict=True)
    return Told(chosen=chosen, left_out=left_out, documents=documents)


@workflow.defn(name="test-context")
class SharedContext:
    """The step above, in the case's grade."""

    @workflow.run
    async def run(self, wish: Wish) -> Told:
        """Run it."""
        return await shared_context(wish)
