"""The table of cleared hits: false positives that are remembered."""

from sqlalchemy import Column, Table, Text

from store.schema import metadata
from store.sealed import Words

cleared_hits = Table(
    "cleared_hits",
    metadata,
    Column("customer", Text, primary_key=True),
    Column("party", Text, primary_key=True),
    Column("entry", Text, primary_key=True),
    Column("entry_sha256", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("scope", Text, nullable=False),
    Column("cleared_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
)
