"""Steps of the regulatory submission."""
