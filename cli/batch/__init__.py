"""The command `batch`: inputs in, one case each, results out."""
