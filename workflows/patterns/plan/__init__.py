"""Plans run: each step begins the moment what it reads is there, within what limits bear."""
