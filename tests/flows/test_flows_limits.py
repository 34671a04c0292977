"""Limits for real: two worker processes against a vendor that enforces them, as the bench does."""

import os

import pytest

from bench.limits import CASES, Case, measure

pytestmark = pytest.mark.server

SOAK = os.environ.get("BRAID_SOAK") == "1"
WINDOW = next(case for case in CASES if case.kind == "window" and not case.halved)


@pytest.mark.parametrize("case", CASES if SOAK else [WINDOW], ids=lambda case: case.name)
async def test_a_known_limit_is_never_overrun_and_a_halved_one_soon_found(case: Case) -> None:
    found = await measure(case, 30.0 if SOAK else 3.0)
    assert found.accepted > 0
    if case.halved:
        assert found.refused_share <= 0.01, found
    else:
        assert found.refused == 0, found
    if len(case.tenants) > 1 and SOAK:
        shares = {name: n / found.accepted for name, n in found.tenants.items()}
        whole = sum(weight for _, weight in case.tenants)
        wished = {name: weight / whole for name, weight in case.tenants}
        assert shares == pytest.approx(wished, rel=0.05), found
