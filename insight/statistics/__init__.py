"""Many closed runs: figures, comparisons, bottlenecks, worth."""
