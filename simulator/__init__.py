"""The outside world in a box: vendors, registries, referees and accounts over real HTTP."""
