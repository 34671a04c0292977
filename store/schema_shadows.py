"""The tables of shadow cases: what they would have done, who was promoted, what is watched."""

from sqlalchemy import Column, Index, Integer, Table, Text

from store.schema import metadata
from store.sealed import Words

suppressed = Table(
    "suppressed",
    metadata,
    Column("key", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("request", Words, nullable=False),
    Column("suppressed_at", Text, nullable=False),
    Index("suppressed_by_scope", "scope"),
)

shared_replies = Table(
    "shared_replies",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("usd", Text, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("effect", Text, primary_key=True),
    Column("request_sha256", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("claimed_at", Text, nullable=False),
    Column("refused_at", Text, nullable=False),
)

promotions = Table(
    "promotions",
    metadata,
    Column("service", Text, primary_key=True),
    Column("process", Text, primary_key=True),
    Column("candidate", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("promoted_by", Text, nullable=False),
    Column("promoted_at", Text, nullable=False),
    Column("runs", Text, nullable=False),
)

watches = Table(
    "watches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("held_until", Text, nullable=False),
    Column("closed_at", Text),
)

watch_cases = Table(
    "watch_cases",
    metadata,
    Column("watch", Text, primary_key=True),
    Column("case_id", Text, primary_key=True),
    Column("pair", Words, nullable=False),
    Column("left_out", Text, nullable=False),
    Column("kept_at", Text, nullable=False),
)

watch_reports = Table(
    "watch_reports",
    metadata,
    Column("watch", Text, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("made_at", Text, nullable=False),
)
