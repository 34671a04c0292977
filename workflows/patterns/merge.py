"""Merge: one record out of several sources, field by field with declared precedence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from workflows.data.aggregate import Aggregated, Conflict, Said
from workflows.data.common import Record
from workflows.errors import AggregateFailed, Misuse
from workflows.patterns.aggregate import Branches, Results

T = TypeVar("T", bound=Record)


class Merge(Generic[T]):
    """A merge of branches' results into the record `into`.

    Results are records or mappings; None, or a field a result does not have, says nothing. The
    first branch that says something about a field is taken: in the order of `precedence[field]`,
    which leaves out the branches it does not name, else in the order of the branches. Others that
    differ are listed as conflicts. Fields in `united` hold sequences: they are put together, each
    item once. Raises Misuse for fields or branches that do not exist.
    """

    def __init__(
        self,
        branches: Iterable[str],
        into: type[T],
        *,
        precedence: Mapping[str, Sequence[str]] | None = None,
        united: Sequence[str] = (),
    ) -> None:
        self._branches, self._into = Branches("merge", branches), into
        self._united = tuple(united)
        chosen = precedence or {}
        unknown = [f for f in (*chosen, *united) if f not in into.model_fields]
        if unknown:
            raise Misuse(
                f"merge: {into.__name__} has no field {', '.join(unknown)};"
                f" it has {', '.join(into.model_fields) or 'none'}"
            )
        for field, order in chosen.items():
            Branches(f"merge: precedence of {field!r}", order)
            self._branches.check(order, f"precedence of {field!r}")
        self._order = {f: tuple(chosen.get(f, self._branches.names)) for f in into.model_fields}

    def __call__(self, results: Results) -> Aggregated[T]:
        """Merge the results. Raises AggregateFailed if they do not make up the record."""
        fields = self._branches.applied(_fields, results)
        merged: dict[str, Any] = {}
        conflicts: list[Conflict] = []
        for field, order in self._order.items():
            said = [
                Said(branch=name, value=fields[name][field])
                for name in order
                if name in fields and fields[name].get(field) is not None
            ]
            if not said:
                continue
            if field in self._united:
                merged[field] = _united(field, said)
                continue
            merged[field] = said[0].value
            others = tuple(s for s in said if s.value != said[0].value)
            if others:
                conflicts.append(Conflict(field=field, taken=said[0], others=others))
        return self._branches.told(results, self._made(merged), conflicts=tuple(conflicts))

    def _made(self, merged: Mapping[str, Any]) -> T:
        try:
            return self._into.model_validate(merged)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)
            said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in wrong)
            raise AggregateFailed(
                f"merge: the results do not make up a {self._into.__name__}: {said}"
            ) from error


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Record):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return value
    raise TypeError(f"a result is a record or a mapping, not {type(value).__name__}")


def _united(field: str, said: Sequence[Said]) -> list[Any]:
    items: list[Any] = []
    for one in said:
        if not isinstance(one.value, list | tuple):
            raise AggregateFailed(
                f"merge: field {field!r} of branch {one.branch!r} is no sequence to be united"
            )
        items += one.value
    return [item for place, item in enumerate(items) if item not in items[:place]]
