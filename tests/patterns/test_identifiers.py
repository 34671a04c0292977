"""Identifiers are checked where they are read in."""

import string
from itertools import pairwise

import pytest

from workflows.data.identifiers import problem

LEIS = (
    "549300MKFYEKVRWML317",
    "2138008KTNTDICZU8L25",
    "HWUPKR0MPOU8FGXBT394",
    "INR2EJN1ERAN0W5ZP974",
    "8I5DZWZKVSZI1NUHU748",
    "784F5XWPLTWKTBV3E584",
    "213800LH1BZH3DI6G760",
    "MLU0ZO3ML4LN2LL2TL39",
    "7LTWFZYICNSX8D621K86",
    "6SHGI4ZSSLCXXQSBB395",
)
"""Identifiers in public use, of companies of several countries and issuers."""


def like(character: str) -> str:
    """Give the characters of the same kind."""
    return string.digits if character.isdigit() else string.ascii_uppercase


def corrupted(lei: str, *, same_kind: bool) -> list[str]:
    """Change every character into every other one, of its own kind or of the other."""
    both = string.digits + string.ascii_uppercase
    return [
        lei[:place] + new + lei[place + 1 :]
        for place, old in enumerate(lei)
        for new in both
        if new != old and (new in like(old)) is same_kind
    ]


@pytest.mark.parametrize("lei", LEIS)
def test_a_real_lei_is_right(lei: str) -> None:
    assert problem("LEI", lei) is None


@pytest.mark.parametrize("lei", LEIS)
def test_every_wrong_digit_and_every_wrong_letter_of_an_lei_is_caught(lei: str) -> None:
    wrong = corrupted(lei, same_kind=True)
    assert len(wrong) > 20 * 9
    assert [w for w in wrong if problem("LEI", w) is None] == []


@pytest.mark.parametrize("lei", LEIS)
def test_a_letter_for_a_digit_is_nearly_always_caught(lei: str) -> None:
    """It shifts all before it by a place, so the check digits miss one in 97."""
    wrong = corrupted(lei, same_kind=False)
    missed = [w for w in wrong if problem("LEI", w) is None]
    assert len(missed) <= len(wrong) * 0.03


@pytest.mark.parametrize("lei", LEIS)
def test_two_neighbours_of_a_kind_in_the_wrong_order_are_caught(lei: str) -> None:
    swaps = [n for n, (a, b) in enumerate(pairwise(lei)) if a != b and b in like(a)]
    wrong = [lei[:n] + lei[n + 1] + lei[n] + lei[n + 2 :] for n in swaps]
    assert [w for w in wrong if problem("LEI", w) is None] == []


@pytest.mark.parametrize("lei", LEIS)
def test_the_message_names_the_check_digits_that_would_fit(lei: str) -> None:
    message = problem("LEI", lei[:18] + f"{(int(lei[18:]) + 1) % 100:02}")
    assert f"{lei[18:]} would fit" in (message or "")


LEI_FORM = "18 letters or digits and two check digits"
GB_FORM = "a UK company number has 8 characters"
CIK_FORM = "a CIK has ten digits"


@pytest.mark.parametrize(
    ("scheme", "value", "says"),
    [
        ("LEI", "", LEI_FORM),
        ("LEI", LEIS[0][:19], LEI_FORM),
        ("LEI", LEIS[0] + "0", LEI_FORM),
        ("LEI", LEIS[0].lower(), LEI_FORM),
        ("LEI", LEIS[0] + "\n", LEI_FORM),
        ("LEI", " " + LEIS[0], LEI_FORM),
        ("LEI", LEIS[0][:19] + "\u0667", LEI_FORM),
        ("GB-COH", "00041424", None),
        ("GB-COH", "SC123456", None),
        ("GB-COH", "NI000001", None),
        ("GB-COH", "41424", GB_FORM),
        ("GB-COH", "000414245", GB_FORM),
        ("GB-COH", "XX123456", GB_FORM),
        ("GB-COH", "sc123456", GB_FORM),
        ("GB-COH", "SC12345", GB_FORM),
        ("GB-COH", "00041424\n", GB_FORM),
        ("GB-COH", "\u0660" * 8, GB_FORM),
        ("CIK", "0001009672", None),
        ("CIK", "1009672", CIK_FORM),
        ("CIK", "00010096720", CIK_FORM),
        ("CIK", "000100967X", CIK_FORM),
        ("CIK", "0001009672\n", CIK_FORM),
        ("IBAN", "DE89370400440532013000", None),
        ("IBAN", "DE88370400440532013000", "are 88, 89 would fit"),
        ("IBAN", "DE89 3704 0044 0532 0130 00", "without spaces"),
        ("VAT", "GB440627467", None),
        ("VAT", "GB440627468", "check digits of GB440627468"),
        ("VAT", "EL094259216", None),
        ("VAT", "GR094259216", "begins with its country"),
        ("VAT", "DE136695976", None),
        ("VAT", "DE13669597", "does not have the form of a VAT number of DE"),
        ("VAT", "NL 4495445B01", "without spaces"),
        ("ISIN", "US0378331005", None),
        ("ISIN", "US0378331004", "check digits"),
        ("BIC", "DEUTDEFF500", None),
        ("BIC", "DEUTDEFF5", "8 or 11"),
        ("EIN", "942404110", None),
        ("EIN", "94-2404110", "without the dash"),
        ("FR-SIREN", "552008443", None),
        ("FR-SIREN", "552008444", "check digits"),
        ("PL-NIP", "8567346215", None),
        ("CH-UID", "CHE100155212", None),
        ("DK-CVR", "13585628", None),
        ("NO-ORGNR", "988077917", None),
        ("AU-ABN", "83914571673", None),
        ("AU-ACN", "004085616", None),
        ("BR-CNPJ", "16727230000197", None),
        ("NZ-NZBN", "9429041525746", None),
        ("NZ-NZBN", "9429041525747", "check digits"),
        ("NL-KVK", "33011433", None),
        ("PL-KRS", "0000028860", None),
        ("IN-CIN", "L17110MH1973PLC019786", None),
        ("IN-CIN", "L17110MH1973PLC01978", "21 characters"),
        ("DUNS", "123456789", "scheme 'DUNS' is not known; use one of AU-ABN, AU-ACN, BIC"),
    ],
)
def test_the_form_of_an_identifier(scheme: str, value: str, says: str | None) -> None:
    found = problem(scheme, value)
    assert (found is None) if says is None else (says in (found or ""))
