"""Decisions refused at the command line and the gateway, in rows chained by hashes."""

from sqlalchemy import func, select

from store.database import Store
from store.schema_audit import audit_rows
from workflows.data.audit import Action, Actor, ActorKind, AuditRow
from workflows.data.common import Decision


class Attempts:
    """The chain of one store: of all its cases together, so that a lost row shows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def refused(self, case: str, said: Decision, why: str) -> AuditRow:
        """Add a row: who was refused what, at which gate of which case, and why."""
        async with self._store.writing() as connection:
            newest = select(func.max(audit_rows.c.seq)).scalar_subquery()
            query = select(audit_rows.c.body).where(audit_rows.c.seq == newest)
            last = await connection.scalar(query)
            row = AuditRow.after_row(
                AuditRow.model_validate_json(last) if last else None,
                self._store.clock(),
                Actor(type=ActorKind.PERSON, id=said.by),
                Action.DECISION_REFUSED,
                target=f"{case} {said.gate}",
                after=said.verdict,
                reason=why,
            )
            values = {"seq": row.seq, "scope": case, "body": row.model_dump_json()}
            await connection.execute(audit_rows.insert().values(**values))
        return row

    async def rows(self) -> list[AuditRow]:
        """Give the whole chain, oldest first."""
        query = select(audit_rows.c.body).order_by(audit_rows.c.seq)
        async with self._store.reading() as connection:
            bodies = (await connection.scalars(query)).all()
        return [AuditRow.model_validate_json(body) for body in bodies]
