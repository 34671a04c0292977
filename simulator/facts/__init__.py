"""Public facts about real companies, written down by hand; no natural persons."""
