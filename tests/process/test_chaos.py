"""Cases while workers, server and store fail: each ends as in quiet, nothing is had twice."""

import os

import pytest

from bench.chaos import SHORT, chaos, held

LONG = pytest.mark.skipif(
    not os.environ.get("BRAID_SOAK"), reason="takes two minutes: `python -m bench.chaos --short`"
)
pytestmark = [pytest.mark.server, LONG]


async def test_cases_come_through_everything_that_can_fail() -> None:
    found = await chaos(SHORT, seed=7, speed=10.0)
    print(found)
    assert held(found) == [], found
    assert found["kills"]["worker"] >= 4
    assert {"server": 2, "store locked": 1, "store full": 1}.items() <= found["kills"].items()
