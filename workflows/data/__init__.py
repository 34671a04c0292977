"""Frozen records that travel between starter, process, activity and other services."""
