"""The stories whose histories are recorded: a module of them for each process.

Each module names its `STORIES`; a file of tests/replay is its own name and the story's.
"""
