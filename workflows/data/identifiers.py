"""Check digits and forms of identifiers; a pure table used wherever one is read in."""

import re

from stdnum.iso7064 import mod_97_10

GB_COMPANY = re.compile(
    r"(?:[0-9]{8}|(?:AC|CE|FC|GE|GS|IC|IP|LP|NC|NF|NI|NL|NO|NP|NZ|OC|OE|PC|RC|SC|SE|SF|SG|SI|SL|SO|SP|SZ|ZC)[0-9]{6})"
)
CIK = re.compile(r"[0-9]{10}")
LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")


def problem(scheme: str, value: str) -> str | None:
    """Say what is wrong with an identifier and how to mend it; None if nothing is.

    LEI: ISO 17442 with check digits by ISO 7064 MOD 97-10. GB-COH: Companies House, eight
    characters. CIK: SEC, ten digits.
    """
    check = _CHECKS.get(scheme)
    if check is None:
        return f"scheme {scheme!r} is not known; use one of {', '.join(sorted(_CHECKS))}"
    return check(value)


def _lei(value: str) -> str | None:
    if not LEI.fullmatch(value):
        return "an LEI has 18 letters or digits and two check digits, in capitals"
    if mod_97_10.checksum(value) != 1:
        right = mod_97_10.calc_check_digits(value[:18])
        return f"the LEI's check digits are {value[18:]}, {right} would fit: compare it again"
    return None


def _gb_coh(value: str) -> str | None:
    if GB_COMPANY.fullmatch(value):
        return None
    return "a UK company number has 8 characters, as 01126618 (leading zeros count) or SC123456"


def _cik(value: str) -> str | None:
    return None if CIK.fullmatch(value) else "a CIK has ten digits: fill up with leading zeros"


_CHECKS = {"LEI": _lei, "GB-COH": _gb_coh, "CIK": _cik}
