"""Blueprints run: steps as the executor takes them, and what each kind of step does."""
