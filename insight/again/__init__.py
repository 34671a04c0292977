"""A history run again: commands compared, event by event, and where to begin anew."""
