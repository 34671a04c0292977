"""A test process that passes a document through three activities."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.calls import Call, ask
    from workflows.data.common import Record
    from workflows.data.documents import Document

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
