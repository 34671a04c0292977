"""Recorded runs as plans: which calls there were, what each needed, and the blueprint of that."""
