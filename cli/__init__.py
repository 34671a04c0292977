"""The parts of `starter.py`, the command line for people. Never imports activities."""
