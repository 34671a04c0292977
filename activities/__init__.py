"""The world: everything here touches the outside, and every activity is idempotent."""
