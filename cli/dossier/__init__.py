"""The dossier: a case as one printable document that works offline."""
