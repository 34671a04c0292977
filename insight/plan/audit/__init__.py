"""Audit: what is wrong with a blueprint, or with the order of a recorded run, and the mend."""
