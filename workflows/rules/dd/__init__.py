"""Due diligence: what its checks and its case come to. Pure."""
