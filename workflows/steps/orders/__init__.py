"""Order fulfilment: payment, stock, labels, notices, and how they go together."""
