"""The pack of what real sources do: each leads to a gap or a named fallback, never to a pass."""

from collections.abc import Iterable

import pytest

from runtime.settings import ROOT
from simulator.config import FAULTS, Fault, FaultKind
from tests.support.world import World, case_file
from workflows.data.decision import CaseSoFar
from workflows.data.findings import Check, CheckOutcome, CheckResult

pytestmark = pytest.mark.server

PACK = FAULTS.validate_json((ROOT / "simulator" / "packs" / "sources.json").read_text())
VALID = "IE9000000C"
ASKING = (Check.EXISTENCE, Check.CREDIT, Check.BACKGROUND, Check.SANCTIONS)
Checks = dict[Check, CheckResult]


def of(service: str) -> Fault:
    """Give the pack's fault of a service."""
    (fault,) = [fault for fault in PACK if fault.service == service]
    return fault


async def checked(
    here: World, name: str, faults: Iterable[Fault], *wanted: Check, vat: str = ""
) -> Checks:
    """Give the wanted checks of a case's subject, as soon as they are done."""
    case = case_file(name)
    subject = case.subject.model_copy(update={"vat": vat})
    await here.faults(*faults)
    handle = await here.start(case.model_copy(update={"subject": subject}))

    def done(so_far: object) -> Checks:
        held = CaseSoFar.model_validate(so_far).checks
        return {c.check: c for c in held if c.check in wanted and c.party_id == "subject"}

    return done(await here.until(handle, "result_so_far", lambda s: len(done(s)) == len(wanted)))


def told(check: CheckResult) -> str:
    """Give a check's gaps as one text, having seen that it is no pass."""
    assert check.outcome in (CheckOutcome.INCONCLUSIVE, CheckOutcome.UNAVAILABLE), check
    assert not check.findings, "silence is no finding either"
    return "; ".join(gap.reason for gap in check.gaps)


async def test_a_member_state_that_does_not_answer_is_no_invalid_number(here: World) -> None:
    found = await checked(here, "unilever", [of("vies")], Check.EXISTENCE, vat=VALID)
    assert "MS_UNAVAILABLE" in told(found[Check.EXISTENCE])


async def test_a_web_page_of_edgar_is_no_empty_list_of_filings(here: World) -> None:
    # Of one path alone: the breaker, once open, would be waited for again and again.
    fault = of("edgar").model_copy(update={"path": "submissions"})
    found = await checked(here, "carbo_ceramics", [fault], Check.CREDIT, Check.EXISTENCE)
    assert "filings" in told(found[Check.CREDIT])
    assert "register" in told(found[Check.EXISTENCE])


async def test_a_register_that_wants_five_minutes_is_not_waited_for(here: World) -> None:
    """The LEI record substitutes by name; insolvencies and directors stay unknown."""
    asks = Check.EXISTENCE, Check.CREDIT, Check.BACKGROUND
    found = await checked(here, "dmgt", [of("companies_house")], *asks)
    assert found[Check.EXISTENCE].fallback == "lei_record"
    assert all(told(found[check]) for check in asks)
    asked = (await here.book())["requests"]["companies_house"]
    assert asked <= 10, "one answer settles each question"


async def test_on_such_a_day_nothing_that_was_not_answered_is_clear(here: World) -> None:
    """All at once: the hosted list is out of quota for the month, nobody names a parent."""
    # Slowness itself is waited for in test_due_diligence_faults.py.
    slow = of("worldbank").model_copy(update={"kind": FaultKind.DOWN})
    pack = [slow if fault.service == "worldbank" else fault for fault in PACK]
    found = await checked(here, "dmgt", pack, *ASKING, vat=VALID)
    assert all(told(check) for check in found.values())
    assert found[Check.SANCTIONS].fallback == "ofac_list"
    assert (await here.book())["requests"]["opensanctions"] <= 12, "a used up month is not retried"
