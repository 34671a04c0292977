"""Press, contact data and geography in the process: of the subject, and of each party."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.config import Fault, FaultKind
from tests.support.world import World, case_file
from workflows.data.case_policy import ScreeningPolicy
from workflows.data.decision import DecisionRecord
from workflows.data.due_diligence import Tier
from workflows.data.findings import Check, CheckOutcome, CheckResult, FindingCode

pytestmark = pytest.mark.server

DIRECTOR: dict[str, Any] = {
    "party_id": "d1",
    "kind": "Person",
    "name": "Orin Halvack",
    "role": "director",
    "birth_date": "1974-02-03",
    "country": "IR",
}


def result_of(record: DecisionRecord, check: Check, party: str = "subject") -> CheckResult:
    return next(c for c in record.checks if (c.check, c.party_id) == (check, party))


async def test_a_director_in_the_press_and_in_a_listed_country(here: World) -> None:
    case = case_file("unilever", parties=[DIRECTOR])
    record = await here.settled(case, ("refer", "ana"), ("refer", "bo"))
    press = result_of(record, Check.MEDIA, "d1")
    assert {f.code for f in press.findings} == {FindingCode.ADVERSE_MEDIA}
    clear = [f for f in press.findings if "somebody of the same name" not in f.summary]
    assert [f.summary.split(" (")[0] for f in clear] == ["charge of fraud"]
    country = result_of(record, Check.GEOGRAPHY, "d1")
    assert {f.code for f in country.findings} == {FindingCode.HIGH_RISK_COUNTRY}
    for check in (Check.MEDIA, Check.GEOGRAPHY, Check.CONTACT):
        assert result_of(record, check).outcome is CheckOutcome.CLEAR
    assert record.tier is Tier.HIGH


async def test_silence_around_a_company_clears_nothing(here: World) -> None:
    """The search hangs past its deadline, name servers and the list of the barred are away."""
    await here.faults(
        Fault(service="news", kind=FaultKind.HANG),
        *(Fault(service=away, kind=FaultKind.DOWN) for away in ("dns", "worldbank")),
    )
    policy = ScreeningPolicy(press=timedelta(seconds=1))
    record = await here.settled(case_file("unilever", screening=policy), ("approve", "ana"))
    press, contact = result_of(record, Check.MEDIA), result_of(record, Check.CONTACT)
    assert (press.outcome, press.fallback) == (CheckOutcome.UNAVAILABLE, "deadline")
    assert (contact.outcome, contact.fallback) == (CheckOutcome.INCONCLUSIVE, "syntax_only")
    background = result_of(record, Check.BACKGROUND)
    assert (background.outcome, background.fallback) == (CheckOutcome.INCONCLUSIVE, "list_copy")
    assert record.tier is not Tier.PROHIBITED
