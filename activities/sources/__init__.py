"""Where facts come from: one connector per source, one interface for all."""
