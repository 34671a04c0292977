"""What follows from spans: causes, critical path, slack, waits."""
