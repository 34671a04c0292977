"""Names of persons and companies: read, compared word by word, searched in a list. Pure."""
