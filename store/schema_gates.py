"""The table of open gates: which cases people are asked in."""

from sqlalchemy import Column, Index, Table, Text

from store.schema import metadata

open_gates = Table(
    "open_gates",
    metadata,
    Column("namespace", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("gate", Text, primary_key=True),
    Column("process", Text, nullable=False),
    Column("looked_at", Text, nullable=False),
    Index("open_gates_by_look", "namespace", "looked_at"),
)

CREATE_GATES = (
    """CREATE TABLE open_gates (
        namespace TEXT NOT NULL, scope TEXT NOT NULL, gate TEXT NOT NULL,
        process TEXT NOT NULL, looked_at TEXT NOT NULL,
        PRIMARY KEY (namespace, scope, gate))""",
    "CREATE INDEX open_gates_by_look ON open_gates (namespace, looked_at)",
)
"""What migration 20 does."""
