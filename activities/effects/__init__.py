"""Changes in the outside world, each claimed in the ledger first."""
