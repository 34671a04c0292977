"""Blueprints: processes as data, their steps, what they read of each other, and their plans."""
