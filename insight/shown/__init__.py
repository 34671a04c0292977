"""Reports for people: terminal, HTML, mermaid, log."""
