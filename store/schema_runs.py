"""The tables of statistics: closed runs, summed up, and how people rated cases."""

from sqlalchemy import Column, Index, Integer, Table, Text

from store.schema import SERIAL, metadata
from store.sealed import Words

runs = Table(
    "runs",
    metadata,
    Column("service", Text, primary_key=True),
    Column("workflow", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("process", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("form", Integer, nullable=False),
    Column("summary", Text, nullable=False),
    Index("runs_by_process", "service", "process", "started_at"),
)

ratings = Table(
    "ratings",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("service", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("rating", Integer, nullable=False),
    Column("comment", Words, nullable=False),
    Column("rated_by", Text, nullable=False),
    Column("rated_at", Text, nullable=False),
    Index("ratings_by_workflow", "service", "workflow"),
)
