"""The sheet of a check, and the identifiers it rests on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.dd_records import company, lei, result
from workflows.data.findings import Check, CheckOutcome, CheckResult, FindingCode
from workflows.data.identifiers import problem
from workflows.data.sources import SourceState
from workflows.rules.dd.sheet import Sheet, fits, folded, renewed, stopped, unavailable


@pytest.mark.parametrize(
    ("found", "gap", "silent", "outcome"),
    [
        (False, False, False, CheckOutcome.CLEAR),
        (False, True, False, CheckOutcome.INCONCLUSIVE),
        (False, True, True, CheckOutcome.UNAVAILABLE),
        (False, False, True, CheckOutcome.UNAVAILABLE),
        (True, False, False, CheckOutcome.FINDING),
        (True, True, False, CheckOutcome.FINDING),
        (True, True, True, CheckOutcome.FINDING),
    ],
)
def test_outcome_of_a_sheet(found: bool, gap: bool, silent: bool, outcome: CheckOutcome) -> None:
    sheet = Sheet(Check.CREDIT)
    if found:
        sheet.find(FindingCode.ACCOUNTS_OVERDUE, "late", sheet.note(company(), "1", "accounts"))
    if gap:
        sheet.gap("silent")
    assert sheet.result(0.95, silent=silent).outcome is outcome


def test_gap_caps_the_confidence() -> None:
    sheet = Sheet(Check.CREDIT)
    sheet.gap("silent")
    assert sheet.result(0.99).confidence == 0.8
    assert sheet.result(0.3).confidence == 0.3


def test_record_of_a_check_refuses_to_be_clear_with_a_gap() -> None:
    sheet = Sheet(Check.CREDIT)
    sheet.gap("silent")
    gaps = sheet.result(1.0).gaps
    with pytest.raises(ValueError, match="cannot be clear with open gaps"):
        CheckResult(check=Check.CREDIT, outcome=CheckOutcome.CLEAR, confidence=1, gaps=gaps)


def test_check_that_was_stopped_or_failed_keeps_the_reason_as_a_gap() -> None:
    for made, outcome in (
        (stopped(Check.REFERENCES, "tipping off"), CheckOutcome.NOT_APPLICABLE),
        (unavailable(Check.REFERENCES, "tipping off"), CheckOutcome.UNAVAILABLE),
    ):
        assert made.outcome is outcome
        assert [g.reason for g in made.gaps] == ["tipping off"]


@pytest.mark.parametrize("state", SourceState)
def test_only_a_found_record_fits(state: SourceState) -> None:
    sheet = Sheet(Check.EXISTENCE)
    answer = lei(state)
    assert fits(sheet, answer, "LEI", answer.entry) is (state is SourceState.FOUND)
    assert bool(sheet.gaps) is (state is not SourceState.FOUND)
    if state in (SourceState.UNAVAILABLE, SourceState.REJECTED):
        assert "503" in sheet.gaps[0].reason


@pytest.mark.parametrize(
    ("first", "second"),
    [("Unilever P.L.C.", "UNILEVER PLC"), ("Société Générale", "SOCIETE GENERALE"), ("", " -.")],
)
def test_folding_leaves_out_case_accents_and_punctuation(first: str, second: str) -> None:
    assert folded(first) == folded(second)


# Real LEIs, the check digits of which were computed by their issuers.
LEIS = ["549300MKFYEKVRWML317", "2138008KTNTDICZU8L25"]


@pytest.mark.parametrize("value", LEIS)
def test_one_wrong_digit_or_letter_or_two_swapped_ones_spoil_an_lei(value: str) -> None:
    """A letter counts as two digits, so only mistakes of the same kind are sure to show."""
    assert problem("LEI", value) is None
    for place, had in enumerate(value):
        kind = "0123456789" if had.isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        for other in kind.replace(had, ""):
            assert problem("LEI", value[:place] + other + value[place + 1 :]), (place, other)
        follows = value[place + 1 : place + 2]
        if follows and follows != had and follows.isdigit() is had.isdigit():
            swapped = value[:place] + follows + had + value[place + 2 :]
            assert problem("LEI", swapped), swapped


@settings(print_blob=True, deadline=None)
@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=18, max_size=18))
def test_exactly_the_digits_named_in_the_message_fit(head: str) -> None:
    """By the definition of ISO 7064 MOD 97-10: letters as 10 to 35, the whole mod 97 is 1."""
    rest = int("".join(str(int(c, 36)) for c in head) + "00") % 97
    right = f"{98 - rest:02d}"
    assert problem("LEI", head + right) is None
    wrong = f"{(98 - rest) % 97 + 1:02d}"
    said = problem("LEI", head + wrong)
    assert said is not None
    assert f"{right} would fit" in said


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("GB-COH", "0112661"),
        ("GB-COH", "011266180"),
        ("GB-COH", "01126618\n"),
        ("GB-COH", "٠١١٢٦٦١٨"),
        ("GB-COH", "sc123456"),
        ("GB-COH", "XX123456"),
        ("CIK", "1009672"),
        ("CIK", "0001009672\n"),
        ("LEI", "549300mkfyekvrwml317"),
        ("LEI", "549300MKFYEKVRWML317\n"),
        ("LEI", ""),
        ("DUNS", "123456789"),
    ],
)
def test_malformed_identifier_is_refused(scheme: str, value: str) -> None:
    assert problem(scheme, value)


def test_a_repetition_never_loses_what_was_found() -> None:
    """A check repeated in a second round replaces the first only if it knows as much."""
    hit = result(Check.SANCTIONS, FindingCode.SANCTIONED, gaps=1)
    clear, gap = result(Check.SANCTIONS), result(Check.SANCTIONS, gaps=1)
    silent = unavailable(Check.SANCTIONS, "down")
    assert renewed(gap, clear) is clear
    assert renewed(gap, hit) is hit
    assert renewed(hit, clear) is hit
    assert renewed(hit, silent) is hit
    assert renewed(gap, silent) is gap
