"""Blueprints on the command line: reading, checking, drawing and running them."""
