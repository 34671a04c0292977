"""Check digits and forms of identifiers; a pure table used wherever one is read in."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from stdnum import ean, get_cc_module, isin
from stdnum.au import abn, acn
from stdnum.br import cnpj
from stdnum.ch import uid
from stdnum.dk import cvr
from stdnum.eu.vat import MEMBER_STATES
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.fr import siren
from stdnum.iso7064 import mod_97_10
from stdnum.no import orgnr
from stdnum.pl import nip

GB_COMPANY = re.compile(
    r"(?:[0-9]{8}|(?:AC|CE|FC|GE|GS|IC|IP|LP|NC|NF|NI|NL|NO|NP|NZ|OC|OE|PC|RC|SC|SE|SF|SG|SI|SL|SO|SP|SZ|ZC)[0-9]{6})"
)
CIK = re.compile(r"[0-9]{10}")
LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")
IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
PLAIN = re.compile(r"[A-Z0-9]+")
_VAT = {code.upper(): get_cc_module(code, "vat") for code in (*MEMBER_STATES, "gb")}
_VAT["EL"] = _VAT.pop("GR")
"""VAT numbers by the prefix they begin with: Greece's is EL, Northern Ireland's XI."""


def problem(scheme: str, value: str) -> str | None:
    """Say what is wrong with an identifier and how to mend it; None if nothing is.

    Check digits are verified where the scheme has any: LEI and IBAN (ISO 7064 MOD 97-10), VAT,
    ISIN, and the national numbers below. GB-COH, CIK, EIN, BIC, NL-KVK, PL-KRS and IN-CIN have
    none: only their form is.
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


def _iban(value: str) -> str | None:
    if not IBAN.fullmatch(value):
        return "an IBAN has a country, two check digits and up to 30 characters, without spaces"
    if mod_97_10.checksum(value[4:] + value[:4]) != 1:
        right = mod_97_10.calc_check_digits(value[4:] + value[:2])
        return f"the IBAN's check digits are {value[2:4]}, {right} would fit: compare it again"
    return None


def _vat(value: str) -> str | None:
    state = _VAT.get(value[:2])
    if state is None:
        known = ", ".join(sorted(_VAT))
        return f"a VAT number begins with its country, one of {known}"
    return _numbered(state, f"a VAT number of {value[:2]}", value[2:], whole=value)


def _numbered(module: Any, what: str, value: str, whole: str | None = None) -> str | None:
    """Verify by a module of python-stdnum; what it calls a component is a part of the number."""
    if not PLAIN.fullmatch(value):
        return f"{what} is written in capitals and digits, without spaces or dots"
    try:
        module.validate(value)
    except InvalidChecksum:
        return f"the check digits of {whole or value} do not fit {what}: compare it again"
    except ValidationError:
        return f"{whole or value} does not have the form of {what}: compare it again"
    return None


def _formed(form: str, says: str, value: str) -> str | None:
    return None if re.fullmatch(form, value) else says


_UK = "a UK company number has 8 characters, as 01126618 (leading zeros count) or SC123456"
_CHECKS: dict[str, Callable[[str], str | None]] = {
    "LEI": _lei,
    "IBAN": _iban,
    "VAT": _vat,
    "ISIN": partial(_numbered, isin, "an ISIN"),
    "AU-ABN": partial(_numbered, abn, "an Australian business number"),
    "AU-ACN": partial(_numbered, acn, "an Australian company number"),
    "BR-CNPJ": partial(_numbered, cnpj, "a Brazilian CNPJ"),
    "CH-UID": partial(_numbered, uid, "a Swiss UID"),
    "DK-CVR": partial(_numbered, cvr, "a Danish CVR number"),
    "FR-SIREN": partial(_numbered, siren, "a French SIREN"),
    "NO-ORGNR": partial(_numbered, orgnr, "a Norwegian organisation number"),
    "NZ-NZBN": partial(_numbered, ean, "a New Zealand business number"),
    "PL-NIP": partial(_numbered, nip, "a Polish NIP"),
    "GB-COH": partial(_formed, GB_COMPANY.pattern, _UK),
    "CIK": partial(_formed, CIK.pattern, "a CIK has ten digits: fill up with leading zeros"),
    "EIN": partial(_formed, r"[0-9]{9}", "an EIN has nine digits, without the dash"),
    "BIC": partial(
        _formed, r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", "a BIC has 8 or 11 characters, as DEUTDEFF"
    ),
    "NL-KVK": partial(_formed, r"[0-9]{8}", "a Dutch KvK number has eight digits"),
    "PL-KRS": partial(_formed, r"[0-9]{10}", "a Polish KRS number has ten digits"),
    "IN-CIN": partial(
        _formed,
        r"[LU][0-9]{5}[A-Z]{2}[0-9]{4}[A-Z]{3}[0-9]{6}",
        "an Indian CIN has 21 characters, as L17110MH1973PLC019786",
    ),
}
