"""Benchmarks: each prints a table beside its controls."""
