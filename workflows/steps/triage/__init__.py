"""Email triage: what is known of a mail, its answer, who approves it, and its sending."""
