"""What a history says: events of any origin in, spans and facts out."""
