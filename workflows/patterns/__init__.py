"""Business-free building blocks of a process."""
