"""Cases while workers, server and store fail: each ends as in quiet, nothing is had twice."""

import os

import pytest

from bench.chaos import SHORT, chaos, held

pytestmark = pytest.mark.server
CASES = 300 if os.environ.get("BRAID_SOAK") else SHORT


async def test_cases_come_through_everything_that_can_fail() -> None:
    found = await chaos(CASES, seed=7, speed=10.0)
    print(found)
    assert held(found) == [], found
    assert found["kills"]["worker"] >= 4
    assert {"server": 2, "store locked": 1, "store full": 1}.items() <= found["kills"].items()
