"""How processes run: settings, connection, embedded stack, heartbeats, logs."""
