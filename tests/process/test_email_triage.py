"""Email triage on a real server: each way through, each branch failing, sent once or a task."""

import json
from datetime import timedelta
from pathlib import Path as File
from typing import Any

import httpx
import pytest

from cli.arriving.desk import LARGEST, SIGNATURE, create_app, identity, signed
from cli.arriving.mails import raw
from runtime.serving import serving
from simulator.config import Fault, FaultKind, SimulatorConfig
from store.journal import CallEntry, Journal
from store.ledger import Ledger
from tests.support.world import SPEED, Handle, World, example, world
from workflows.data.common import Decision
from workflows.data.email_triage import Path, Review, TriageCase, TriageOutcome, TriageResult
from workflows.data.llm import ModelRequest, Prompt

pytestmark = pytest.mark.server
VENDORS = ("openai", "anthropic", "gemini")


def mail(name: str, review: Review | None = None) -> TriageCase:
    case = example(f"email-triage/{name}", TriageCase)
    if review is None:
        return case
    desk = case.desk.model_copy(update={"review": review})
    return case.model_copy(update={"desk": desk})


async def answered(
    here: World, case: TriageCase, verdict: str = "", gate: str = "answer", **said: Any
) -> TriageResult:
    """Run a case; where a verdict is given, ana gives it at the gate."""
    handle = await here.begin("email-triage", case)
    if verdict:
        await here.gate(handle, gate)
        await here.decide(handle, verdict, "ana", gate=gate, **said)
    return await here.done(handle, TriageResult)


async def silent(here: World, *records: str) -> None:
    """Let every vendor refuse the questions for these records."""
    await here.faults(
        *(
            Fault(service=vendor, kind=FaultKind.REFUSAL, body=f'"{record}"')
            for vendor in VENDORS
            for record in records
        )
    )


async def started(handle: Handle) -> dict[str, Any]:
    return {b["name"]: b for b in await handle.query("branches")}


async def asked(here: World, handle: Handle) -> list[Prompt]:
    """Give what models were asked, in order."""
    found = list[Prompt]()
    for event in (await handle.fetch_history()).events:
        planned = event.activity_task_scheduled_event_attributes
        if planned.activity_type.name == "ask_model":
            decode = here.client.data_converter.decode
            found += [r.prompt for r in await decode(planned.input.payloads, [ModelRequest])]
    return found


async def test_an_urgent_mail_is_drafted_checked_approved_and_sent_once(here: World) -> None:
    case = mail("urgent")
    case = case.model_copy(update={"desk": here.keyed(case.desk)})
    handle = await here.begin("email-triage", case)
    gate = await here.gate(handle, "answer")
    assert gate.proposal == "approve"
    assert (await here.book())["mails"] == []
    await here.decide(handle, "approve", "ana", gate="answer")
    result = await here.done(handle, TriageResult)
    assert (result.outcome, result.path) == (TriageOutcome.ANSWERED, Path.DRAFTED_APPROVED)
    assert result.checked
    assert all(c.supported for c in result.checked)
    assert (result.drafts, result.gaps, result.open_tasks) == (1, (), ())
    (sent,) = (await here.book())["mails"]
    assert (sent["to"], sent["subject"]) == (case.mail.sender, f"Re: {case.mail.subject}")
    assert sent["in_reply_to"] == case.mail.message_id
    (effect,) = await Ledger(here.store).effects(handle.id)
    assert sent["message_id"] == f"<{effect.key[:32]}@braid.example>", "the same at every attempt"
    *_, draft, check = await asked(here, handle)
    assert (draft.answer, check.answer) == ("DraftedAnswer", "DraftCheck")
    assert json.dumps(result.answer, ensure_ascii=False)[1:-1] in check.user, "of the draft"
    branches = await started(handle)
    readings = [branches[n] for n in ("tone", "key points", "urgency")]
    assert max(r["started"] for r in readings) < min(r["ended"] for r in readings)
    billed = (await here.book())["billed"]
    assert all(billed[vendor] for vendor in VENDORS), "three vendors read"


async def test_what_waits_is_answered_by_template_and_nobody_is_asked(here: World) -> None:
    for name in ("routine", "complaint"):
        result = await answered(here, mail(name))
        assert (result.outcome, result.path) == (TriageOutcome.ANSWERED, Path.TEMPLATE)
        assert "two working days" in result.answer
    assert (await answered(here, mail("urgent", Review.NEVER))).path is Path.DRAFTED
    assert len((await here.book())["mails"]) == 3
    declined = await answered(here, mail("routine", Review.ALWAYS), "decline")
    assert declined.outcome is TriageOutcome.DECLINED
    assert len((await here.book())["mails"]) == 3


async def test_a_mail_nobody_can_judge_goes_to_a_person(here: World) -> None:
    own = {"text": "Could you send the scan again?"}
    result = await answered(here, mail("unclear", Review.NEVER), "supply", value=own)
    assert (result.outcome, result.path) == (TriageOutcome.ANSWERED, Path.BY_HAND)
    assert result.answer == own["text"]


async def test_an_answer_nobody_approves_in_time_is_an_open_task(here: World) -> None:
    case = mail("routine", Review.ALWAYS)
    desk = case.desk.model_copy(update={"deadline": timedelta(seconds=1)})
    result = await answered(here, case.model_copy(update={"desk": desk}))
    assert (result.outcome, result.path) == (TriageOutcome.NOT_ANSWERED, Path.TEMPLATE_APPROVED)
    assert result.open_tasks == ("answer: nobody decided in time",)
    assert (await here.book())["mails"] == []


@pytest.mark.parametrize(
    ("lost", "gaps", "path"),
    [
        (("ToneReading", "PointsReading"), {"tone", "key points"}, Path.TEMPLATE),
        (("UrgencyReading", "DraftedAnswer"), {"urgency", "draft"}, Path.BY_HAND),
        (("UrgencyReading", "DraftCheck"), {"urgency", "fact check"}, Path.BY_HAND),
    ],
)
async def test_without_an_answer_of_the_models_a_person_stands_in(
    lost: tuple[str, ...], gaps: set[str], path: Path, here: World
) -> None:
    await silent(here, *lost)
    handle = await here.begin("email-triage", mail("routine", Review.NEVER))
    if path is Path.BY_HAND:
        view = await here.gate(handle, "answer")
        assert view.proposal == "supply"
        said = {"verdict": "supply", "by": "bo", "gate": "answer", "value": {"text": "By hand."}}
        await handle.execute_update("decide", Decision.model_validate(said))
    result = await here.done(handle, TriageResult)
    assert (result.path, result.outcome) == (path, TriageOutcome.ANSWERED)
    assert {g.split(":")[0] for g in result.gaps} == gaps


async def test_a_draft_that_promises_too_much_is_mended_or_goes_to_a_person(
    address: str, tmp_path: File
) -> None:
    """A writer that always errs is caught twice; one that errs once in two is mended."""
    ends = []
    for rate, seed in ((1.0, 7), (0.5, 10)):
        erring = {"gpt-6.1-terra": rate}
        config = SimulatorConfig(seed=seed, speed=SPEED, error_rate=0, error_rates=erring)
        async with world(address, tmp_path / str(rate), config=config) as here:
            case = mail("urgent", Review.NEVER)
            handle = await here.begin("email-triage", case)
            if rate == 1.0:
                view = await here.gate(handle, "answer")
                assert (view.proposal, "75" in view.question) == ("supply", True)
                await here.decide(handle, "decline", "ana", gate="answer")
            ends.append(await here.done(handle, TriageResult))
            assert len((await here.book())["mails"]) == (rate < 1)
    stopped, mended = ends
    assert (stopped.drafts, stopped.outcome) == (2, TriageOutcome.DECLINED)
    assert {c.text for c in stopped.checked if not c.supported} >= {"75", "24"}
    assert (mended.drafts, mended.outcome) == (2, TriageOutcome.ANSWERED)
    assert "75" not in mended.answer


@pytest.mark.parametrize(
    ("kind", "status", "before", "after"),
    [
        (FaultKind.DROP, None, "unclear", TriageOutcome.ANSWERED_BY_HAND),
        (FaultKind.ERROR, 550, "not_answered", TriageOutcome.NOT_ANSWERED),
    ],
)
async def test_a_sending_that_is_unclear_or_refused_is_a_task_for_a_person(
    kind: FaultKind, status: int | None, before: str, after: TriageOutcome, here: World
) -> None:
    await here.faults(Fault(service="mail", kind=kind, status=status))
    handle = await here.begin("email-triage", mail("routine"))
    await here.gate(handle, "sending")
    known = await handle.query("result_so_far")
    assert (known["outcome"], len(known["open_tasks"])) == (before, 1)
    verdict = "done" if after is TriageOutcome.ANSWERED_BY_HAND else "skip"
    await here.decide(handle, verdict, "bo", gate="sending")
    result = await here.done(handle, TriageResult)
    assert (result.outcome, result.open_tasks) == (after, ())
    assert (await here.book())["requests"]["mail"] == 1, "never sent twice"


async def test_a_mail_that_arrives_twice_is_one_case_also_after_it_closed(here: World) -> None:
    """Also when Temporal forgot the case: the store knows it by its calls."""
    desk, secret = mail("urgent").desk, "a secret of the test"

    def arriving(number: str) -> bytes:
        head = f"From: a@b.example\nSubject: Hello\nMessage-ID: <{number}-{here.queue}@a.example>"
        return f"{head}\n\nIs it there?".encode()

    body, old = arriving("new"), arriving("old")
    app = create_app(here.client, here.store, desk, sender="us@braid.example", secret=secret)
    async with serving(app, 0) as url, httpx.AsyncClient(base_url=url, timeout=60) as post:

        async def deliver(content: bytes, key: str = secret) -> httpx.Response:
            return await post.post(
                "/mails", content=content, headers={SIGNATURE: signed(key, content)}
            )

        first, again = await deliver(body), await deliver(body)
        assert (first.status_code, first.json()["started"]) == (202, True)
        assert (again.status_code, again.json()["started"]) == (200, False)
        case = here.client.get_workflow_handle(first.json()["case"])
        here.started.append(case)
        await case.terminate("as if it were closed")
        assert (await deliver(body)).json() == {"case": case.id, "started": False}
        forgotten = identity(raw(old, "us@braid.example"))
        await Journal(here.store).claim(CallEntry("k", forgotten, "tone", "ask_model", "w"))
        assert (await deliver(old)).json() == {"case": forgotten, "started": False}
        assert (await deliver(body, "another")).status_code == 401
        assert (await deliver(b"Auto-Submitted: auto-replied\n" + body)).json()["ignored"]
        assert (await deliver(b"no mail at all")).status_code == 422
        assert (await deliver(b"x" * (LARGEST + 1))).status_code == 413
