"""Who owns and controls a company: a graph of holders, its arithmetic, and what it shows. Pure."""
