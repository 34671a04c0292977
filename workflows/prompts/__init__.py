"""Pure functions from records to prompts, one file per process."""
