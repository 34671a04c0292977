"""Pure: what must happen. No clock, randomness, files, network or environment."""
