"""The table of whose tokens are taken back."""

from sqlalchemy import Column, Table, Text

from store.schema import metadata

revocations = Table(
    "revocations",
    metadata,
    Column("audience", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("revoked_at", Text, nullable=False),
)

CREATE_REVOCATIONS = (
    """CREATE TABLE revocations (
        audience TEXT NOT NULL, name TEXT NOT NULL, revoked_at TEXT NOT NULL,
        PRIMARY KEY (audience, name))""",
)
"""What migration 21 does."""
