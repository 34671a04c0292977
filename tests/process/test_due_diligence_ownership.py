"""Ownership in a case: who is discovered is screened, and what a structure shows decides."""

import pytest

from tests.support.world import World, case_file
from workflows.data.case_file import CaseFile
from workflows.data.findings import Check, CheckOutcome, CheckResult, FindingCode

pytestmark = pytest.mark.server


async def checked(here: World, case: CaseFile) -> tuple[CheckResult, list[CheckResult]]:
    """Run a case up to its review; give its check of ownership, and all checks of parties."""
    handle = await here.start(case)
    await here.gate(handle)
    seen = [CheckResult.model_validate(c) for c in (await handle.query("result_so_far"))["checks"]]
    ownership = next(c for c in seen if c.check is Check.OWNERSHIP)
    return ownership, [c for c in seen if c.party_id != case.subject.party_id]


@pytest.mark.parametrize(
    ("name", "expected", "parties"),
    [
        (
            "dmgt",
            {FindingCode.COMPLEX_STRUCTURE, FindingCode.TRUST_IN_CHAIN},
            {f"owner-{n}" for n in range(1, 6)},
        ),
        ("rosneft_deutschland", {FindingCode.UNRESOLVED_CONTROL}, {"parent-1"}),
        ("bank_saderat", {FindingCode.UNRESOLVED_CONTROL}, {"owner-1", "parent-1"}),
    ],
)
async def test_the_structure_of_a_real_company_is_found_and_its_owners_are_screened(
    here: World, name: str, expected: set[FindingCode], parties: set[str]
) -> None:
    ownership, of_parties = await checked(here, case_file(name))
    assert {f.code for f in ownership.findings} == expected
    assert ownership.gaps == ()
    screened = {c.party_id for c in of_parties if c.check is Check.SANCTIONS}
    assert parties <= screened


async def test_a_widely_held_company_and_one_its_regulator_supervises_are_clear(
    here: World,
) -> None:
    for name in ("unilever", "snowflake"):
        ownership, of_parties = await checked(here, case_file(name))
        assert (ownership.outcome, ownership.gaps) == (CheckOutcome.CLEAR, ())
        assert of_parties == []
