"""Cases while workers, server and store fail: each ends as in quiet, nothing is had twice."""

import faulthandler
import os

import pytest

from bench.chaos import LONG, SHORT, chaos, held

pytestmark = pytest.mark.server


async def test_cases_come_through_everything_that_can_fail() -> None:
    faulthandler.cancel_dump_traceback_later()  # it ends itself as soon as nothing gets on
    cases = LONG if os.environ.get("BRAID_SOAK") else SHORT
    found = await chaos(cases, seed=7, speed=10.0)
    print(found)
    assert held(found) == [], found
    assert found["kills"]["worker"] >= 5, "four of them when the store is full"
    assert {"server": 2, "store locked": 1, "store full": 1}.items() <= found["kills"].items()
