"""Pure build and parse of each vendor's wire format."""
