"""Plans: what may run at once, how long it takes, what it costs, and which way is best."""
