"""What simulated models answer: plain rules over the documents in the prompt."""
