"""What the migrations do that concern shadow cases, in order."""

SHADOW_CASES = (
    """CREATE TABLE suppressed (
        key TEXT NOT NULL PRIMARY KEY, scope TEXT NOT NULL, effect TEXT NOT NULL,
        service TEXT NOT NULL, request TEXT NOT NULL, suppressed_at TEXT NOT NULL)""",
    "CREATE INDEX suppressed_by_scope ON suppressed (scope)",
    """CREATE TABLE shared_replies (
        scope TEXT NOT NULL, key TEXT NOT NULL, usd TEXT NOT NULL,
        PRIMARY KEY (scope, key))""",
    """CREATE TABLE promotions (
        service TEXT NOT NULL, process TEXT NOT NULL, candidate TEXT NOT NULL,
        reason TEXT NOT NULL, promoted_by TEXT NOT NULL, promoted_at TEXT NOT NULL,
        PRIMARY KEY (service, process))""",
)

REFUSALS = (
    """CREATE TABLE refusals (
        scope TEXT NOT NULL, effect TEXT NOT NULL, request_sha256 TEXT NOT NULL,
        why TEXT NOT NULL, claimed_at TEXT NOT NULL, refused_at TEXT NOT NULL,
        PRIMARY KEY (scope, effect, request_sha256))""",
)

PROMOTED_AS = (  # what was promoted before was known by words alone: it must be promoted again
    "DELETE FROM promotions",
    "ALTER TABLE promotions ADD COLUMN runs TEXT NOT NULL DEFAULT ''",
)

WATCHES = (
    """CREATE TABLE watches (
        id TEXT NOT NULL PRIMARY KEY, service TEXT NOT NULL, process TEXT NOT NULL,
        candidate TEXT NOT NULL, how TEXT NOT NULL, since TEXT NOT NULL, until TEXT NOT NULL,
        holder TEXT NOT NULL, held_until TEXT NOT NULL, closed_at TEXT)""",
    """CREATE TABLE watch_cases (
        watch TEXT NOT NULL, case_id TEXT NOT NULL, pair TEXT NOT NULL,
        left_out TEXT NOT NULL, kept_at TEXT NOT NULL, PRIMARY KEY (watch, case_id))""",
    """CREATE TABLE watch_reports (
        watch TEXT NOT NULL, day INTEGER NOT NULL, verdict TEXT NOT NULL,
        made_at TEXT NOT NULL, PRIMARY KEY (watch, day))""",
)
