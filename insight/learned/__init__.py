"""How long steps take, learned from run to run."""
