"""Pure: what happened. History in, spans and reports out."""
