"""W1 to W5 of what a step costs, each beside bare asyncio and Temporal written by hand."""
