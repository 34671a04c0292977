"""Who may decide, on a real server: every forged, stale or stolen decision is refused, none sticks.

The gates of the other processes are signed at in their own tests (`World.keyed`).
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Replayer

from deployed import WORKFLOWS, BraidInterceptor, runner
from runtime.server import Ports
from runtime.settings import ROOT
from simulator.config import Fault, FaultKind
from tests.process.test_due_diligence_people import UPDATE_EVENTS
from tests.support.signing import claims, public, signed, token
from tests.support.world import Handle, World, case_file, example
from workflows.data.audit import AuditPage
from workflows.data.common import Decision, GateView, Verdict
from workflows.data.due_diligence import CaseOutcome
from workflows.data.orders import OrderCase, OrderOutcome, OrderResult
from workflows.data.report import ReportFiled, ReportOrder

pytestmark = pytest.mark.server


async def refused(handle: Handle, said: Decision) -> tuple[str, str]:
    """Send a decision that must be refused; give the kind of reason and the words."""
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update("decide", said)
    assert isinstance(caught.value.cause, ApplicationError)
    [details] = caught.value.cause.details
    assert details["gate"] == "review"
    return details["why"], caught.value.cause.message


class Signing:
    """Signs at one open gate of one case."""

    def __init__(self, here: World, handle: Handle, gate: GateView) -> None:
        self.keys, self.handle, self.gate = here.keys, handle, gate

    def __call__(self, by: str, verdict: Verdict = Verdict.APPROVE, **other: Any) -> Decision:
        """Decide as somebody; claims of the token as given, `key` another one's key."""
        key, seat = other.pop("key", by), other.pop("stands_for", None)
        said = Decision(verdict=verdict, by=by, stands_for=seat)
        now = datetime.now(UTC)
        return signed(said, self.keys[key], self.handle.id, self.gate.opened, now, **other)


def attacks(sign: Signing) -> dict[str, Decision]:
    """Give decisions that must not count, by the kind of reason."""
    past = int(datetime.now(UTC).timestamp()) - 600
    right = sign("ana")
    none = token("", claims(right, sign.handle.id, sign.gate.opened, datetime.now(UTC)), "none")
    return {
        "unsigned": right.model_copy(update={"token": None}),
        "forged": sign("ana", key="bo"),
        "forged: no algorithm": right.model_copy(update={"token": none}),
        "forged: lasts a day": sign("ana", exp=past + 600 + 86_400),
        "elsewhere: another verdict": right.model_copy(update={"verdict": Verdict.DECLINE}),
        "elsewhere: another case": sign("ana", aud="dd-other"),
        "elsewhere: an earlier round": sign("ana", opened="2026-11-20T12:00:00Z"),
        "expired": sign("ana", iat=past, exp=past + 300),
        "wrong_role": sign("ana", role="senior"),
        "four_eyes": sign("sam"),
        "four_eyes: under another name": sign("max"),
        "stranger": sign("ana", stands_for="bo"),
    }


async def test_only_what_the_right_person_signed_for_this_gate_counts(
    here: World, temporal: Ports, caplog: pytest.LogCaptureFixture
) -> None:
    """sam wrote the case and has a second name, max; dora, bo's deputy, is ana."""
    case = case_file("carbo_ceramics")
    reviewers = [*case.review.model_dump()["reviewers"], {"name": "max", "roles": ["senior"]}]
    review = case.review.model_dump() | {"reviewers": reviewers, "deputies": {"bo": ["dora"]}}
    case = here.keyed(case_file("carbo_ceramics", review=review))
    here.keys |= {"sam": here.keys["max"], "dora": here.keys["ana"]}
    handle = await here.start(case.model_copy(update={"keys": public(here.keys)}))
    sign = Signing(here, handle, await here.gate(handle))
    assert sign.gate.signed
    assert "max" not in sign.gate.may_decide
    sent = attacks(sign)
    for kind, said in sent.items():
        why, told = await refused(handle, said)
        assert (why, kind) == (kind.split(":")[0], kind), told
    history = await handle.fetch_history()
    assert not {e.event_type for e in history.events} & set(UPDATE_EVENTS), "no trace of them"
    first = sign("ana")
    await handle.execute_update("decide", first)
    assert (await refused(handle, first))[0] == "replayed"
    handle = await reset_before(
        here, handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
    )
    assert (await refused(handle, first))[0] == "replayed", "the reset delivered it again already"
    assert (await refused(handle, sign("dora", stands_for="bo")))[0] == "seat_taken"
    await handle.signal("decide", sent["forged"])
    [by_signal] = await here.until(handle, "refusals", bool)
    assert "not signed with the key" in by_signal["reason"]
    # Forwarded by another service over the server's HTTP API, it is checked likewise.
    bo = sign("bo", Verdict.DECLINE).model_dump(mode="json", exclude_defaults=True)
    answer = await forwarded(here, temporal, handle, {**bo, "comment": "added on the way"})
    assert "signed for another decision" in answer["outcome"]["failure"]["message"]
    answer = await asyncio.to_thread(as_the_page_says, here, temporal, handle)
    assert answer["success"][0] == {
        "gate": "review",
        "accepted": True,
        "settled": True,
        "signed": True,
        "stands_for": None,
        "still_needed": None,
    }
    record = await here.result(handle)
    assert record.outcome is CaseOutcome.DECLINE
    page = AuditPage.model_validate(await handle.query("audit", 0))
    reasons = [r.reason for r in page.rows if r.action == "gate.decided"]
    assert all(reason.startswith("signed, ") for reason in reasons)
    logged(caplog, [*sent.values(), first])
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=runner(),
        interceptors=[BraidInterceptor("replay")],
        data_converter=here.client.data_converter,
    )
    await replayer.replay_workflow(await handle.fetch_history())  # signatures checked again


async def reset_before(here: World, handle: Handle, kind: EventType.ValueType) -> Handle:
    """Reset a case to the workflow task that led to the first event of a kind."""
    done = 0
    async for event in handle.fetch_history_events():
        if event.event_type == kind:
            break
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            done = event.event_id
    request = ResetWorkflowExecutionRequest(
        namespace=here.client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=handle.id),
        reason="test",
        workflow_task_finish_event_id=done,
        request_id=handle.id,
    )
    await here.client.workflow_service.reset_workflow_execution(request)
    return here.client.get_workflow_handle(handle.id)


def as_the_page_says(here: World, temporal: Ports, handle: Handle) -> Any:
    """Have bo decline by the code of docs/operations/identity.md, over the server's HTTP API."""
    page = (ROOT / "docs/operations/identity.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    shown: dict[str, Any] = {}
    exec(code, shown)  # noqa: S102 - our own page
    pem = here.keys["bo"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    base = f"http://127.0.0.1:{temporal.http}/api/v1/namespaces/default"
    said = {"verdict": "decline", "by": "bo", "comment": "is\u00e9"}
    return shown["decide"](base, handle.id, said, pem)


async def forwarded(here: World, temporal: Ports, handle: Handle, said: Any) -> Any:
    """Send a decision by HTTP."""
    url = f"http://127.0.0.1:{temporal.http}/api/v1/namespaces/default/workflows/{handle.id}"
    wait = {"lifecycleStage": "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED"}
    request = {"meta": {}, "input": {"args": [said]}}
    body = {"waitPolicy": wait, "request": request}
    return (await here.http.post(f"{url}/update/decide", json=body)).json()


def logged(caplog: pytest.LogCaptureFixture, sent: list[Decision]) -> None:
    """The worker's log tells case, gate and kind of reason of each refusal, nothing else."""
    lines = [r for r in caplog.records if r.getMessage().startswith("message refused")]
    kinds = [getattr(r, "why", "") for r in lines]
    assert {*kinds} >= {"unsigned", "forged", "elsewhere", "expired", "replayed", "four_eyes"}
    assert kinds.count("forged") >= 4, "three updates and a signal"
    assert {getattr(r, "gate", "") for r in lines} == {"review"}
    whole = "\n".join(str(vars(r)) for r in caplog.records)
    parts = [part for d in sent if d.token for part in d.token.split(".")[1:] if part]
    assert [part for part in parts if part in whole] == []


async def test_a_task_of_an_order_and_a_report_that_is_due_are_signed_for(here: World) -> None:
    """Two gates that no other test with a server answers."""
    await here.faults(Fault(service="mail", kind=FaultKind.DOWN))
    order = here.keyed(example("order-fulfilment/out_of_stock", OrderCase))
    handle = await here.begin("order-fulfilment", order)
    gate = await here.gate(handle, "tell")
    await here.decide(handle, "done", order.desk[0], gate=gate.name)
    assert (await here.done(handle, OrderResult)).outcome is OrderOutcome.OUT_OF_STOCK
    due, every = datetime.now(UTC).date() + timedelta(days=30), timedelta(days=7)
    plain = ReportOrder(case="c", reason="a hit", due=due, people=("mira",), remind_every=every)
    handle = await here.begin("compliance-report", here.keyed(plain))
    await here.gate(handle, "report")
    await here.decide(handle, "done", "mira", gate="report")
    assert (await here.done(handle, ReportFiled)).by == "mira"
