"""Steps of the proposal."""
