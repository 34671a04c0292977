"""Model vendors: their wire, nothing of their minds."""
