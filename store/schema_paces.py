"""The table of paces: how much slower than planned the last run of each blueprint was."""

from sqlalchemy import Boolean, Column, Integer, Table, Text

from store.schema import metadata

paces = Table(
    "paces",
    metadata,
    Column("blueprint", Text, primary_key=True),
    Column("simulated", Boolean, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("snapshot", Integer, nullable=False),
    Column("slower", Integer, nullable=False),
    Column("kept_at", Text, nullable=False),
)

CREATE_PACES = (
    """CREATE TABLE paces (
        blueprint TEXT NOT NULL, simulated BOOLEAN NOT NULL, definition TEXT NOT NULL,
        snapshot INTEGER NOT NULL, slower INTEGER NOT NULL, kept_at TEXT NOT NULL,
        PRIMARY KEY (blueprint, simulated))""",
)
"""What migration 17 does."""
