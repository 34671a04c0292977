"""Due diligence: its checks as steps, its parties, its people, what follows a decision."""
