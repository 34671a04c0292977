"""Mails that arrive: read, judged, and each made a case once."""
