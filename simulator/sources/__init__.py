"""Sources of facts: registers, lists and filings, in their own shapes."""
