"""The regulatory submission for real: signed, amended, with gaps, refused."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from simulator.config import Fault, FaultKind
from tests.support.world import Handle, World, example
from workflows.data.audit import AuditPage, broken
from workflows.data.phases import altered
from workflows.data.submission import SubmissionCase, SubmissionRecord

pytestmark = pytest.mark.server
SIGNS = {"analysis": ("tomas", "yuki"), "writing": ("yuki",), "review": ("oren",)}


async def begun(here: World, **changes: Any) -> Handle:
    case = example("regulatory-submission/tablets", SubmissionCase, **changes)
    return await here.begin("regulatory-submission", here.keyed(case))


async def say(
    here: World, handle: Handle, version: str, verdict: str, *by: str, **more: Any
) -> None:
    await here.gate(handle, f"sign-{version}")
    for who in by:
        await here.decide(handle, verdict, who, gate=f"sign-{version}", **more)


async def test_phases_are_signed_locked_and_amended_with_trace(here: World) -> None:
    handle = await begun(here)
    with pytest.raises(WorkflowUpdateFailedError):  # the author signs nothing
        await say(here, handle, "analysis-1", "approve", "ines")
    before = await handle.query("result_so_far")
    wish = {"phase": "writing", "reason": "Name the comparator."}
    with pytest.raises(WorkflowUpdateFailedError) as refused:  # its turn has not come
        await say(here, handle, "analysis-1", "more", "tomas", value=wish)
    said = str(refused.value.cause)
    assert "writing comes after analysis" in said
    assert "the case is at 'analysis';" in said
    assert await handle.query("result_so_far") == before, "nothing changed"
    for phase, by in SIGNS.items():
        if phase != "review":
            await say(here, handle, f"{phase}-1", "approve", *by)
    await say(here, handle, "review-1", "more", "oren", value=wish)
    await say(here, handle, "writing-2", "approve", "yuki")
    await say(here, handle, "review-2", "approve", "oren")
    await say(here, handle, "bundle-1", "approve", "petra", "oren")
    ended = await here.done(handle, SubmissionRecord)

    assert (ended.outcome, ended.gaps) == ("ready", ())
    assert altered(ended.versions) is None
    told = [(v.phase, v.version, bool(v.signed), bool(v.fell)) for v in ended.versions]
    assert told == [
        ("analysis", 1, True, False),
        ("writing", 1, True, True),
        ("review", 1, False, True),
        ("writing", 2, True, False),
        ("review", 2, True, False),
        ("bundle", 1, True, False),
    ]
    assert ended.amendments[0].fell == ("writing 1", "review 1")
    assert ended.bundle == ended.versions[-1].hash
    page = AuditPage.model_validate(await handle.query("audit", 0))
    assert broken([row.model_dump(mode="json") for row in page.rows], ended.audit_head) is None
    fell = [row.target for row in page.rows if row.action == "phase.fell"]
    assert fell == ["writing", "review"]


async def test_a_data_set_nobody_read_is_a_gap_signed_with_a_reason_only(here: World) -> None:
    down = (Fault(service=s, kind=FaultKind.REFUSAL) for s in ("openai", "anthropic", "gemini"))
    await here.faults(*down)
    handle = await begun(here)
    gate = await here.gate(handle, "sign-analysis-1")
    assert "lom-301" in gate.question
    await here.faults()
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await say(here, handle, "analysis-1", "approve", "tomas")
    assert "give a comment" in str(refused.value.cause)
    await say(here, handle, "analysis-1", "more", "tomas")  # no value: this phase once more
    await here.faults(Fault(service="openai", kind=FaultKind.DOWN))  # others answer
    await say(here, handle, "analysis-2", "approve", "tomas", "yuki")
    await say(here, handle, "writing-1", "decline", "yuki", comment="too thin")
    late = await begun(here, deadline=timedelta(milliseconds=200))
    expired = await here.done(late, SubmissionRecord)
    assert (expired.outcome, expired.bundle) == ("expired", None), "silence signs nothing"
    ended = await here.done(handle, SubmissionRecord)
    assert (ended.outcome, ended.bundle) == ("refused", None)
    first, second, _ = ended.versions
    assert first.fell == "sent back"
    assert altered(ended.versions) is None
    assert second.signed
