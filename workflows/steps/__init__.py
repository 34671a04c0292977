"""Named steps of a process that would not fit on one screen with it."""
