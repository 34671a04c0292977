"""VAT numbers that VIES knows: invented, with right check digits, of companies that are too."""

VAT_NUMBERS: dict[tuple[str, str], tuple[str, str]] = {
    ("DE", "300000002"): ("BEISPIEL HANDEL GMBH", "MUSTERWEG 1\n10117 BERLIN"),
    ("NL", "900000004B01"): ("VOORBEELD PAPIER B.V.", "VOORBEELDKADE 00001\n1011AA AMSTERDAM"),
    ("IE", "9000000C"): ("SPECIMEN TRADING LIMITED", "1 SPECIMEN QUAY, DUBLIN 1"),
}
"""Name and address by country and number."""

WITHHOLDING = frozenset({"DE", "ES"})
"""Member states that say neither name nor address."""
