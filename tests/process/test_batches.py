"""Many documents, three calls each, with faults on: all are done, and each is paid once.

Twelve documents; a thousand with BRAID_SOAK=1.
"""

import asyncio
import os
from decimal import Decimal

import pytest

from activities.results import ResultActivities
from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World
from workflows import calls
from workflows.data.case_batch import BatchInputs, CaseBatch, CaseBatchResult
from workflows.data.chunk import ItemSource
from workflows.data.question import RoleQuestion, RoleReply
from workflows.data.spread import Item, ItemBatch, KeptList, SpreadRef, Tolerance
from workflows.patterns.spread_work import Child, work_order

pytestmark = pytest.mark.server

DOCUMENTS = 1000 if os.environ.get("BRAID_SOAK") == "1" else 12
ROLES = ("triage", "analyst", "reviewer")
READ: Child[RoleQuestion, RoleReply] = Child("ask", RoleQuestion, RoleReply)


async def start(here: World, role: str) -> Handle:
    """Start a batch that has a role read every document."""
    name = f"batch-{role}-{here.queue}"
    items = [
        Item(
            key=f"document-{n}",
            request=RoleQuestion(
                role=role, question="What is it about?", context=f"Letter no. {n}: a delivery."
            ).model_dump(mode="json"),
        )
        for n in range(DOCUMENTS)
    ]
    batch = ItemBatch(scope=name, list="inputs", first=0, items=tuple(items))
    await ResultActivities(here.store).keep_items(batch)
    kept = KeptList(scope=name, list="inputs", total=DOCUMENTS)
    given = CaseBatch(
        process="ask",
        work=work_order(READ),
        inputs=BatchInputs(name="letters", sha256="0" * 64, taken=DOCUMENTS),
        source=ItemSource(page=work_order(calls.KEPT_ITEMS), about=kept.model_dump()),
        ref=SpreadRef(scope=name, spread="cases"),
        window=20,
        chunk=50,
        tolerance=Tolerance(count=0),
        usd=Decimal(DOCUMENTS),
    )
    return await here.begin("batch", given, id=name)


async def test_each_call_of_many_documents_is_paid_once(here: World) -> None:
    await here.faults(
        *(
            Fault(service=vendor, kind=FaultKind.OVERLOADED, share=0.2)
            for vendor in ("openai", "anthropic", "gemini")
        )
    )
    handles = [await start(here, role) for role in ROLES]
    results = await asyncio.gather(*(here.done(handle, CaseBatchResult) for handle in handles))
    for result in results:
        spread = result.spread
        assert (spread.succeeded, spread.failed, spread.not_run) == (DOCUMENTS, 0, 0)
        assert result.cost.calls == DOCUMENTS
        assert 0 < result.cost.usd < DOCUMENTS
    book = await here.book()
    assert sum(book["billed"].values()) == DOCUMENTS * len(ROLES)
    refused = sum(book["requests"][vendor] for vendor in book["billed"]) - DOCUMENTS * len(ROLES)
    assert refused > 0, "there were faults"
