"""Budgets: rows of the store, reserved with the permit before a call is sent, settled after it.

Concurrent branches, child workflows and both grades share one, because all of them reserve here.
What a call may cost at most is held while it is under way. Money is kept in whole nano-dollars.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from sqlalchemy import ColumnElement, RowMapping, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.database import Store
from store.schema import budgets, holds
from workflows.data.budget import Amounts, BudgetOrder, BudgetView

NANO = Decimal(1_000_000_000)


class BudgetShort(Exception):
    """A budget does not pay for a call; nothing was sent."""

    def __init__(self, charge: "Charge", unit: str, left: Decimal, needed: Decimal) -> None:
        name = charge.name
        super().__init__(f"budget {name!r} has {left:f} {unit} left, the call needs {needed:f}")
        self.name, self.unit, self.left, self.needed = name, unit, left, needed
        self.charge = charge


class BudgetUnknown(Exception):
    """A call names a budget nobody opened."""


@dataclass(frozen=True)
class Charge:
    """What a call may cost at most, and the budget that pays. Unknown prices cannot be charged.

    A `patient` call waits until the budget pays for it, instead of being refused.
    """

    scope: str
    name: str
    worst: Amounts
    patient: bool = False


class Budgets:
    """The budgets of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self, scope: str, order: BudgetOrder) -> BudgetView:
        """Open a budget, or set what it allows anew; what was spent stays."""
        totals = {"usd": _nano(order.usd), "tokens": order.tokens, "calls": order.calls}
        totals["short_at"] = None
        async with self._store.writing() as connection:
            where = _is(scope, order.name)
            done = await connection.execute(update(budgets).where(*where).values(**totals))
            if not done.rowcount:
                row = {"scope": scope, "name": order.name, "opened_at": self._store.now()}
                await connection.execute(budgets.insert().values(**row, **totals))
            view = await _view(connection, scope, order.name)
        assert view is not None  # noqa: S101 - just written
        return view

    async def view(self, scope: str, name: str) -> BudgetView | None:
        """Say how a budget stands; None if nobody opened it."""
        async with self._store.reading() as connection:
            return await _view(connection, scope, name)

    async def check(self, connection: AsyncConnection, charges: Sequence[Charge]) -> None:
        """Raise BudgetShort unless every budget pays for the call, BudgetUnknown if one is none."""
        for charge in charges:
            view = await _view(connection, charge.scope, charge.name)
            if view is None:
                raise BudgetUnknown(
                    f"budget {charge.name!r} was not opened in this case; open it before"
                    " the first call that names it"
                )
            for unit in ("usd", "tokens", "calls"):
                left, needed = view.left(unit), Decimal(getattr(charge.worst, unit))
                if left is not None and left.left < needed:
                    raise BudgetShort(charge, unit, left.left, needed)

    async def wait(self, charge: Charge) -> None:
        """Note that a call waits for a budget: short, if nothing is held that may come back."""
        async with self._store.writing() as connection:
            view = await _view(connection, charge.scope, charge.name)
            short = self._store.now() if view and not view.held.calls else None
            await _mark(connection, charge, short)

    async def hold(
        self, connection: AsyncConnection, claim: int, charges: Sequence[Charge]
    ) -> None:
        """Set aside what a claimed call may cost at most."""
        for charge in charges:
            row = {"claim_id": claim, "scope": charge.scope, "name": charge.name}
            worst = {"usd": _nano(charge.worst.usd), "tokens": charge.worst.tokens}
            await connection.execute(holds.insert().values(**row, **worst))
            if charge.patient:
                await _mark(connection, charge, None)

    async def settle(self, connection: AsyncConnection, claim: int, cost: Amounts) -> None:
        """Put what a call cost in place of what was set aside for it."""
        for hold in await _taken(connection, claim):
            await _add(connection, hold, "spent", _nano(cost.usd) or 0, cost.tokens)

    async def release(self, connection: AsyncConnection, claim: int, *, unclear: bool) -> None:
        """Give back what was set aside, unless the call may have been billed."""
        for hold in await _taken(connection, claim):
            if unclear:
                await _add(connection, hold, "unclear", hold["usd"], hold["tokens"])


async def _mark(connection: AsyncConnection, charge: Charge, short_at: str | None) -> None:
    where = _is(charge.scope, charge.name)
    await connection.execute(update(budgets).where(*where).values(short_at=short_at))


def _is(scope: str, name: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return budgets.c.scope == scope, budgets.c.name == name


async def _taken(connection: AsyncConnection, claim: int) -> Sequence[RowMapping]:
    of_claim = holds.c.claim_id == claim
    found = (await connection.execute(select(holds).where(of_claim))).mappings().all()
    if found:
        await connection.execute(delete(holds).where(of_claim))
    return found


async def _add(
    connection: AsyncConnection, hold: RowMapping, kind: str, usd: int, tokens: int
) -> None:
    amounts = {"usd": usd, "tokens": tokens, "calls": 1}
    changed = {f"{kind}_{unit}": budgets.c[f"{kind}_{unit}"] + n for unit, n in amounts.items()}
    await connection.execute(
        update(budgets).where(*_is(hold["scope"], hold["name"])).values(**changed)
    )


async def _view(connection: AsyncConnection, scope: str, name: str) -> BudgetView | None:
    query = select(budgets).where(*_is(scope, name))
    row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    of_budget = (holds.c.scope == scope, holds.c.name == name)
    sums = func.sum(holds.c.usd), func.sum(holds.c.tokens), func.count()
    usd, tokens, calls = (await connection.execute(select(*sums).where(*of_budget))).one()
    return BudgetView(
        name=name,
        usd=None if row["usd"] is None else _dollars(row["usd"]),
        tokens=row["tokens"],
        calls=row["calls"],
        spent=_amounts(row, "spent"),
        held=Amounts(usd=_dollars(usd or 0), tokens=int(tokens or 0), calls=calls),
        unclear=_amounts(row, "unclear"),
        short=row["short_at"] is not None,
    )


def _amounts(row: RowMapping, kind: str) -> Amounts:
    usd, tokens, calls = (row[f"{kind}_{unit}"] for unit in ("usd", "tokens", "calls"))
    return Amounts(usd=_dollars(usd), tokens=tokens, calls=calls)


def _nano(usd: Decimal | None) -> int | None:
    return None if usd is None else int((usd * NANO).to_integral_value(ROUND_CEILING))


def _dollars(nano: int) -> Decimal:
    return Decimal(nano) / NANO
