"""Shadows on the server: the same comes out, nothing acts, nothing is paid twice."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from cli.processes import process
from store.journal import Journal
from store.ledger import Ledger
from store.shadows import Shadows
from tests.process.examples import EXAMPLES, Example
from tests.process.living import Ended, lived
from tests.support.world import World
from workflows.data.common import ORIGIN_HEADER, SHADOW

NAMES = ("order-fulfilment", "proposal", "email-triage", "data-pipeline")
CHOSEN = [e for e in EXAMPLES if e.process in NAMES]
DECLINED = next(
    replace(e, file="order-fulfilment/declined", changes={})
    for e in EXAMPLES
    if e.process == "order-fulfilment"
)
COST = "usd"
"""The field of a result that tells what was paid: a shadow pays nothing for what it shares."""

BESIDE = frozenset({"reserve", "release", "make_label", "void_label"})
"""What is done, and undone, beside a payment: how far that came when the bank declined it is a
matter of moments.
"""


async def alone(here: World, example: Example, origin: str = "") -> tuple[str, Ended]:
    """Live through an example, as the shadow of `origin` if it is given; say which case it was."""
    memo = {SHADOW: True, ORIGIN_HEADER: origin} if origin else {}
    handles = len(here.started)
    ended = await lived(here, example, memo=memo)
    begins = f"{process(example.process).prefix}-{example.given().model_dump()['case']}-"
    return next(h.id for h in here.started[handles:] if h.id.startswith(begins)), ended


async def acts(here: World) -> dict[str, object]:
    """Read what the simulator billed, performed and mailed; looks at it aside."""
    book = await here.book()
    return {k: v for k, v in book.items() if k not in ("requests", "traffic")}


@pytest.mark.server
async def test_shadows_leave_nothing_outside(here: World) -> None:
    """CRM, mail server and bills are as the cases left them; the ledger knows no shadow."""
    cases = await asyncio.gather(*(alone(here, e) for e in (*CHOSEN, DECLINED)))
    book = await acts(here)
    seen = await asyncio.gather(
        *(alone(here, e, case) for e, (case, _) in zip((*CHOSEN, DECLINED), cases, strict=True))
    )
    assert await acts(here) == book
    journal, ledger, shadows = Journal(here.store), Ledger(here.store), Shadows(here.store)
    pairs = zip((*CHOSEN, DECLINED), cases, seen, strict=True)
    for example, (case, real), (shadow, ended) in pairs:
        assert await ledger.effects(shadow) == []
        assert [c for c in await journal.calls(shadow) if c.usd] == []
        beside = BESIDE if example is DECLINED else frozenset[str]()
        noted = [note.effect for note in await shadows.suppressed(shadow)]
        had = [row.effect for row in await ledger.effects(case)]
        assert sorted(e for e in noted if e not in beside) == sorted(
            e for e in had if e not in beside
        )
        paid = sum(c.usd for c in await journal.calls(case) if c.usd)
        assert (await shadows.shared(shadow)).usd == paid
        assert but_moments(ended.result) == but_moments(real.result)


def but_moments(result: dict[str, Any]) -> dict[str, Any]:
    """Leave out what it cost, and which warehouses had reserved or were released when it ended.

    Nothing of a shadow takes time: what came before the bank's answer in it may come after in its
    case.
    """
    return {**result, COST: "", "released": [], "undone": []}
