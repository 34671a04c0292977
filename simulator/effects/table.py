"""A data warehouse's table: takes batches of rows, and the rows set aside, by an order each."""

from simulator.book import Book
from simulator.effects.plain import refuse
from simulator.exchange import Asked, Reply
from workflows.data.pipeline import LoadAction, LoadOrder


class Table:
    """Rows merged by table and id; the book holds the references of all orders that brought one."""

    def __init__(self, book: Book) -> None:
        self._held = book.held.setdefault("table", {})

    def subject(self, request: LoadOrder) -> str:
        """Name the batch."""
        return f"{request.table}/{request.batch}"

    def impossible(self, request: LoadOrder) -> Reply | None:
        """Refuse an order with rows of the other kind, or none."""
        fits = bool(request.rows), bool(request.bad)
        wanted = (True, False) if request.action is LoadAction.LOAD else (False, True)
        return None if fits == wanted else refuse(422, "rows and action do not fit")

    def keep(self, request: LoadOrder, reference: str) -> None:
        """Put the rows in; those set aside by the batch they come from and their place in it."""
        names = [f"{request.table}/{row.id}" for row in request.rows]
        names += [f"{request.table}-aside/{request.batch}/{n}" for n, _ in enumerate(request.bad)]
        for name in names:
            before = self._held.get(name)
            self._held[name] = reference if before is None else f"{before} {reference}"

    def show(self, asked: Asked) -> Reply:  # noqa: ARG002
        """Show nothing: the table is read by others."""
        return refuse(404, "not found")
