"""Competitive intelligence: how each kind of source is asked."""
