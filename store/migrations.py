"""How a store grows: numbered migrations, each in one transaction, never edited once released."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, inspect, select, text

from store import migrations_shadows as steps
from store.errors import StoreError
from store.schema import schema_version
from store.schema_audit import CREATE_AUDIT
from store.schema_gates import CREATE_GATES
from store.schema_paces import CREATE_PACES
from store.schema_revocations import CREATE_REVOCATIONS

TYPES = {
    "sqlite": {"serial": "INTEGER NOT NULL PRIMARY KEY", "id": "INTEGER", "bytes": "BLOB"},
    "postgresql": {
        "serial": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "id": "BIGINT",
        "bytes": "BYTEA",
    },
}
"""What the databases spell differently; statements name it as {serial}, {id} and {bytes}."""


@dataclass(frozen=True)
class Migration:
    """The statements that lead from version `version - 1` to `version`."""

    version: int
    statements: tuple[str, ...]


FIRST = Migration(
    1,
    (
        """CREATE TABLE claims (
            id {serial}, key TEXT NOT NULL, scope TEXT NOT NULL, branch TEXT NOT NULL,
            call TEXT NOT NULL, vendor TEXT NOT NULL, model TEXT NOT NULL, worker TEXT NOT NULL,
            state TEXT NOT NULL, reason TEXT NOT NULL, claimed_at TEXT NOT NULL, closed_at TEXT)""",
        "CREATE INDEX claims_by_scope ON claims (scope)",
        "CREATE INDEX claims_by_key ON claims (key)",
        """CREATE TABLE replies (
            id {serial}, claim_id {id} NOT NULL REFERENCES claims (id), key TEXT NOT NULL,
            scope TEXT NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL,
            body {bytes} NOT NULL, input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, usd TEXT NOT NULL,
            simulated BOOLEAN NOT NULL, received_at TEXT NOT NULL, void TEXT NOT NULL)""",
        "CREATE INDEX replies_by_key ON replies (key)",
        "CREATE INDEX replies_by_scope ON replies (scope)",
        """CREATE TABLE effects (
            key TEXT NOT NULL PRIMARY KEY, scope TEXT NOT NULL, effect TEXT NOT NULL,
            request_sha256 TEXT NOT NULL, state TEXT NOT NULL, reference TEXT NOT NULL,
            why TEXT NOT NULL, claimed_at TEXT NOT NULL, closed_at TEXT)""",
        "CREATE INDEX effects_by_scope ON effects (scope)",
        """CREATE TABLE settlements (
            id {serial}, key TEXT NOT NULL REFERENCES effects (key), reference TEXT NOT NULL,
            settled_at TEXT NOT NULL)""",
        "CREATE INDEX settlements_by_key ON settlements (key)",
    ),
)

SPREADS = Migration(
    2,
    (
        """CREATE TABLE spread_items (
            scope TEXT NOT NULL, list TEXT NOT NULL, place INTEGER NOT NULL, key TEXT NOT NULL,
            request TEXT NOT NULL, PRIMARY KEY (scope, list, place))""",
        """CREATE TABLE spread_results (
            scope TEXT NOT NULL, spread TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL,
            digest TEXT NOT NULL, value TEXT NOT NULL, error TEXT NOT NULL, run TEXT NOT NULL,
            chunk INTEGER NOT NULL, changed_at TEXT NOT NULL, PRIMARY KEY (scope, spread, key))""",
    ),
)

ANSWERS = Migration(
    3,
    (
        """CREATE TABLE answers (
            key TEXT NOT NULL PRIMARY KEY, scope TEXT NOT NULL, branch TEXT NOT NULL,
            call TEXT NOT NULL, worker TEXT NOT NULL, value TEXT NOT NULL, error TEXT NOT NULL,
            answered_at TEXT NOT NULL)""",
        "CREATE INDEX answers_by_scope ON answers (scope)",
    ),
)

SHARED_REPLIES = Migration(
    4,
    (
        "ALTER TABLE replies ADD COLUMN cache_write_tokens INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE replies ADD COLUMN content_key TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX replies_by_content ON replies (content_key)",
    ),
)

PERMITS = Migration(
    5,
    (
        "CREATE TABLE workers (worker TEXT NOT NULL PRIMARY KEY, seen_at TEXT NOT NULL)",
        """CREATE TABLE pools (
            service TEXT NOT NULL, model TEXT NOT NULL, used BIGINT NOT NULL,
            tokens BIGINT NOT NULL, flying BIGINT NOT NULL, next_at TEXT NOT NULL,
            paused_until TEXT NOT NULL, cut_at TEXT NOT NULL, ceiling FLOAT NOT NULL,
            floor FLOAT NOT NULL, virtual FLOAT NOT NULL, PRIMARY KEY (service, model))""",
        "INSERT INTO pools VALUES ('', '', 0, 0, 0, '', '', '', 1, 1, 0)",
        """CREATE TABLE permits (
            id TEXT NOT NULL PRIMARY KEY, worker TEXT NOT NULL, service TEXT NOT NULL,
            model TEXT NOT NULL, tenant TEXT NOT NULL, weight FLOAT NOT NULL,
            priority INTEGER NOT NULL, tokens BIGINT NOT NULL, state TEXT NOT NULL,
            since TEXT NOT NULL, send_at TEXT, headers_at TEXT, in_service BOOLEAN NOT NULL,
            in_model BOOLEAN NOT NULL)""",
        "CREATE INDEX permits_by_service ON permits (service, in_service, headers_at)",
        "CREATE INDEX permits_by_model ON permits (service, model, in_model, headers_at)",
        "CREATE INDEX permits_by_worker ON permits (worker, state)",
        "CREATE INDEX permits_by_state ON permits (state, service)",
        """CREATE TABLE shares (
            service TEXT NOT NULL, model TEXT NOT NULL, tenant TEXT NOT NULL,
            finish FLOAT NOT NULL, PRIMARY KEY (service, model, tenant))""",
        """CREATE TABLE limits (
            service TEXT NOT NULL, model TEXT NOT NULL, given TEXT NOT NULL,
            paused BOOLEAN NOT NULL, PRIMARY KEY (service, model))""",
        "CREATE TABLE tenants (tenant TEXT NOT NULL PRIMARY KEY, weight FLOAT NOT NULL)",
    ),
)

BREAKERS_AND_BUDGETS = Migration(
    6,
    (
        """CREATE TABLE breakers (
            service TEXT NOT NULL PRIMARY KEY, good INTEGER NOT NULL, bad INTEGER NOT NULL,
            old_good INTEGER NOT NULL, old_bad INTEGER NOT NULL, began TEXT NOT NULL,
            opened INTEGER NOT NULL, open_until TEXT NOT NULL, probe_until TEXT NOT NULL)""",
        """CREATE TABLE budgets (
            scope TEXT NOT NULL, name TEXT NOT NULL, usd BIGINT, tokens BIGINT, calls BIGINT,
            spent_usd BIGINT NOT NULL DEFAULT 0, spent_tokens BIGINT NOT NULL DEFAULT 0,
            spent_calls BIGINT NOT NULL DEFAULT 0, unclear_usd BIGINT NOT NULL DEFAULT 0,
            unclear_tokens BIGINT NOT NULL DEFAULT 0, unclear_calls BIGINT NOT NULL DEFAULT 0,
            opened_at TEXT NOT NULL, PRIMARY KEY (scope, name))""",
        """CREATE TABLE holds (
            claim_id BIGINT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,
            usd BIGINT NOT NULL, tokens BIGINT NOT NULL, PRIMARY KEY (claim_id, scope, name))""",
        "CREATE INDEX holds_by_budget ON holds (scope, name)",
    ),
)

BLOBS = Migration(
    7,
    (
        """CREATE TABLE blobs (
            sha256 TEXT NOT NULL PRIMARY KEY, size BIGINT NOT NULL, bytes {bytes} NOT NULL,
            created_at TEXT NOT NULL, last_used_at TEXT NOT NULL)""",
        "CREATE INDEX blobs_by_use ON blobs (last_used_at)",
    ),
)

BATCHES = Migration(
    8,
    (
        """CREATE TABLE batches (
            key TEXT NOT NULL PRIMARY KEY, scope TEXT NOT NULL, vendor TEXT NOT NULL,
            model TEXT NOT NULL, state TEXT NOT NULL, remote TEXT NOT NULL,
            claimed_at TEXT NOT NULL)""",
        "CREATE INDEX batches_by_remote ON batches (remote)",
        """CREATE TABLE batch_items (
            batch TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL,
            answer TEXT NOT NULL, outcome TEXT NOT NULL, why TEXT NOT NULL,
            PRIMARY KEY (batch, place))""",
        "CREATE INDEX batch_items_by_key ON batch_items (key)",
        """CREATE TABLE remote_calls (
            key TEXT NOT NULL PRIMARY KEY, claim_id BIGINT NOT NULL, vendor TEXT NOT NULL,
            remote TEXT NOT NULL, kept_at TEXT NOT NULL)""",
    ),
)

RUNS = Migration(
    9,
    (
        """CREATE TABLE runs (
            service TEXT NOT NULL, workflow TEXT NOT NULL, run TEXT NOT NULL,
            process TEXT NOT NULL, started_at TEXT NOT NULL, form INTEGER NOT NULL,
            summary TEXT NOT NULL, PRIMARY KEY (service, workflow, run))""",
        "CREATE INDEX runs_by_process ON runs (service, process, started_at)",
        """CREATE TABLE ratings (
            id {serial}, service TEXT NOT NULL, workflow TEXT NOT NULL, rating INTEGER NOT NULL,
            comment TEXT NOT NULL, rated_by TEXT NOT NULL, rated_at TEXT NOT NULL)""",
        "CREATE INDEX ratings_by_workflow ON ratings (service, workflow)",
    ),
)

ESTIMATES = Migration(
    10,
    (
        """CREATE TABLE estimate_snapshots (
            snapshot INTEGER NOT NULL PRIMARY KEY, as_of TEXT NOT NULL, runs INTEGER NOT NULL,
            calls INTEGER NOT NULL)""",
        """CREATE TABLE estimates (
            process TEXT NOT NULL, step TEXT NOT NULL, vendor TEXT NOT NULL,
            model TEXT NOT NULL, simulated BOOLEAN NOT NULL, snapshot INTEGER NOT NULL,
            n FLOAT NOT NULL, p95 FLOAT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (process, step, vendor, model, simulated, snapshot))""",
        """CREATE TABLE estimate_sources (
            run TEXT NOT NULL PRIMARY KEY, snapshot INTEGER NOT NULL)""",
    ),
)

CLEARED_HITS = Migration(
    11,
    (
        """CREATE TABLE cleared_hits (
            customer TEXT NOT NULL, party TEXT NOT NULL, entry TEXT NOT NULL,
            entry_sha256 TEXT NOT NULL, reviewer TEXT NOT NULL, reason TEXT NOT NULL,
            scope TEXT NOT NULL, cleared_at TEXT NOT NULL, expires_at TEXT NOT NULL,
            PRIMARY KEY (customer, party, entry))""",
    ),
)

SHORT_BUDGETS = Migration(12, ("ALTER TABLE budgets ADD COLUMN short_at TEXT",))

RESULTS_AS_KEPT = Migration(
    13,
    ("CREATE INDEX spread_results_as_kept ON spread_results (scope, spread, changed_at, key)",),
)

MIGRATIONS: tuple[Migration, ...] = (
    FIRST,
    SPREADS,
    ANSWERS,
    SHARED_REPLIES,
    PERMITS,
    BREAKERS_AND_BUDGETS,
    BLOBS,
    BATCHES,
    RUNS,
    ESTIMATES,
    CLEARED_HITS,
    SHORT_BUDGETS,
    RESULTS_AS_KEPT,
    Migration(14, steps.SHADOW_CASES),
    Migration(15, steps.REFUSALS),
    Migration(16, steps.PROMOTED_AS),
    Migration(17, CREATE_PACES),
    Migration(18, steps.WATCHES),
    Migration(19, CREATE_AUDIT),
    Migration(20, CREATE_GATES),
    Migration(21, CREATE_REVOCATIONS),
)


def found_version(connection: Connection) -> int:
    """Read the version of the store; 0 if it is empty."""
    if not inspect(connection).has_table(schema_version.name):
        return 0
    return connection.scalar(select(func.max(schema_version.c.version))) or 0


def apply(connection: Connection, migration: Migration, now: str) -> None:
    """Apply one migration inside the transaction of `connection`, and write its number down."""
    words = TYPES[connection.dialect.name]
    connection.execute(
        text(
            "CREATE TABLE IF NOT EXISTS schema_version"
            " (version INTEGER NOT NULL PRIMARY KEY, applied_at TEXT NOT NULL)"
        )
    )
    for statement in migration.statements:
        connection.execute(text(statement.format(**words)))
    connection.execute(schema_version.insert().values(version=migration.version, applied_at=now))


def missing(found: int, migrations: Sequence[Migration], where: str) -> Sequence[Migration]:
    """Give the migrations still to apply. Raises StoreError for a store newer than the code."""
    newest = migrations[-1].version
    if found > newest:
        raise StoreError(
            f"the store {where} has schema version {found}, this code knows up to {newest};"
            " run the newer Braid that wrote it, or name another folder with BRAID_DATA"
        )
    return [m for m in migrations if m.version > found]
