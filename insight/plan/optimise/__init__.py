"""Choosing how each step of a plan is done: ways, plans of them, and runs that prove them."""
