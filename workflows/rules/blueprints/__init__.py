"""Which sources, effects and processes blueprints may name, and what of one cannot be run."""
