"""The tables of the store, as the newest migration leaves them (a test compares the two).

Times are UTC, ISO 8601 with microseconds, as text: they sort, and every database has text.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

from store.sealed import Bytes, Words

metadata = MetaData()
SERIAL = BigInteger().with_variant(Integer, "sqlite")

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at", Text, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("key", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("call", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("claimed_at", Text, nullable=False),
    Column("closed_at", Text),
    Index("claims_by_scope", "scope"),
    Index("claims_by_key", "key"),
)

replies = Table(
    "replies",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("claim_id", SERIAL, ForeignKey("claims.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Words, nullable=False),
    Column("body", Bytes, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("reasoning_tokens", Integer, nullable=False),
    Column("usd", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("received_at", Text, nullable=False),
    Column("void", Text, nullable=False),
    Column("cache_write_tokens", Integer, nullable=False, server_default="0"),
    Column("content_key", Text, nullable=False, server_default=""),
    Index("replies_by_key", "key"),
    Index("replies_by_scope", "scope"),
    Index("replies_by_content", "content_key"),
)

effects = Table(
    "effects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("request_sha256", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("claimed_at", Text, nullable=False),
    Column("closed_at", Text),
    Index("effects_by_scope", "scope"),
)

settlements = Table(
    "settlements",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("key", Text, ForeignKey("effects.key"), nullable=False),
    Column("reference", Text, nullable=False),
    Column("settled_at", Text, nullable=False),
    Index("settlements_by_key", "key"),
)

spread_items = Table(
    "spread_items",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("list", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("key", Text, nullable=False),
    Column("request", Words, nullable=False),
)

spread_results = Table(
    "spread_results",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("spread", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("value", Words, nullable=False),
    Column("error", Words, nullable=False),
    Column("run", Text, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("changed_at", Text, nullable=False),
    Index("spread_results_as_kept", "scope", "spread", "changed_at", "key"),
)

answers = Table(
    "answers",
    metadata,
    Column("key", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("branch", Text, nullable=False),
    Column("call", Text, nullable=False),
    Column("worker", Text, nullable=False),
    Column("value", Words, nullable=False),
    Column("error", Words, nullable=False),
    Column("answered_at", Text, nullable=False),
    Index("answers_by_scope", "scope"),
)

breakers = Table(
    "breakers",
    metadata,
    Column("service", Text, primary_key=True),
    Column("good", Integer, nullable=False),
    Column("bad", Integer, nullable=False),
    Column("old_good", Integer, nullable=False),
    Column("old_bad", Integer, nullable=False),
    Column("began", Text, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("open_until", Text, nullable=False),
    Column("probe_until", Text, nullable=False),
)

budgets = Table(
    "budgets",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("usd", BigInteger),
    Column("tokens", BigInteger),
    Column("calls", BigInteger),
    Column("spent_usd", BigInteger, nullable=False, server_default="0"),
    Column("spent_tokens", BigInteger, nullable=False, server_default="0"),
    Column("spent_calls", BigInteger, nullable=False, server_default="0"),
    Column("unclear_usd", BigInteger, nullable=False, server_default="0"),
    Column("unclear_tokens", BigInteger, nullable=False, server_default="0"),
    Column("unclear_calls", BigInteger, nullable=False, server_default="0"),
    Column("opened_at", Text, nullable=False),
    Column("short_at", Text),
)

holds = Table(
    "holds",
    metadata,
    Column("claim_id", BigInteger, primary_key=True, autoincrement=False),
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("usd", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Index("holds_by_budget", "scope", "name"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("bytes", Bytes, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("last_used_at", Text, nullable=False),
    Index("blobs_by_use", "last_used_at"),
)

workers = Table(
    "workers",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("seen_at", Text, nullable=False),
)

pools = Table(
    "pools",
    metadata,
    Column("service", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("used", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("flying", BigInteger, nullable=False),
    Column("next_at", Text, nullable=False),
    Column("paused_until", Text, nullable=False),
    Column("cut_at", Text, nullable=False),
    Column("ceiling", Float(53), nullable=False),
    Column("floor", Float(53), nullable=False),
    Column("virtual", Float(53), nullable=False),
)

permits = Table(
    "permits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("worker", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("weight", Float(53), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("send_at", Text),
    Column("headers_at", Text),
    Column("in_service", Boolean, nullable=False),
    Column("in_model", Boolean, nullable=False),
    Index("permits_by_service", "service", "in_service", "headers_at"),
    Index("permits_by_model", "service", "model", "in_model", "headers_at"),
    Index("permits_by_worker", "worker", "state"),
    Index("permits_by_state", "state", "service"),
)

shares = Table(
    "shares",
    metadata,
    Column("service", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("finish", Float(53), nullable=False),
)

limits = Table(
    "limits",
    metadata,
    Column("service", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("given", Text, nullable=False),
    Column("paused", Boolean, nullable=False),
)

tenants = Table(
    "tenants",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("weight", Float(53), nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("key", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("remote", Text, nullable=False),
    Column("claimed_at", Text, nullable=False),
    Index("batches_by_remote", "remote"),
)

batch_items = Table(
    "batch_items",
    metadata,
    Column("batch", Text, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("answer", Words, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("why", Text, nullable=False),
    Index("batch_items_by_key", "key"),
)

remote_calls = Table(
    "remote_calls",
    metadata,
    Column("key", Text, primary_key=True),
    Column("claim_id", BigInteger, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("remote", Text, nullable=False),
    Column("kept_at", Text, nullable=False),
)
