"""The tables of learned estimates: snapshots, what each holds, and the runs it was learned from."""

from sqlalchemy import Boolean, Column, Float, Integer, Table, Text

from store.schema import metadata

estimate_snapshots = Table(
    "estimate_snapshots",
    metadata,
    Column("snapshot", Integer, primary_key=True, autoincrement=False),
    Column("as_of", Text, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
)

estimates = Table(
    "estimates",
    metadata,
    Column("process", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("vendor", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("simulated", Boolean, primary_key=True),
    Column("snapshot", Integer, primary_key=True, autoincrement=False),
    Column("n", Float(53), nullable=False),
    Column("p95", Float(53), nullable=False),
    Column("body", Text, nullable=False),
)

estimate_sources = Table(
    "estimate_sources",
    metadata,
    Column("run", Text, primary_key=True),
    Column("snapshot", Integer, nullable=False),
)
