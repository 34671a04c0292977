"""Plans on the command line: read, analysed, drawn, ranked."""
