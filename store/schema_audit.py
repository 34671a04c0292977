"""The table of what the command line was refused."""

from sqlalchemy import Column, Integer, Table, Text

from store.schema import metadata

audit_rows = Table(
    "audit_rows",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("scope", Text, nullable=False),
    Column("body", Text, nullable=False),
)

CREATE_AUDIT = (
    """CREATE TABLE audit_rows (
        seq INTEGER NOT NULL PRIMARY KEY, scope TEXT NOT NULL, body TEXT NOT NULL)""",
)
"""What migration 19 does."""
