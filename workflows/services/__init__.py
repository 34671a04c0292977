"""Workflows that patterns lean on: they serve processes and have no business of their own."""
