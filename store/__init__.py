"""The database: call journal, effect ledger; schema version and migrations."""
