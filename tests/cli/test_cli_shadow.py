"""`shadow` as people meet it: on cases that ended, on inputs, with people's words; promotion."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from temporalio.client import WorkflowExecutionStatus

from cli import scheduling
from cli.arriving.desk import create_app
from cli.batch import running, starting
from cli.cases import Start
from cli.errors import BadInput
from cli.processes import process
from cli.runs import service
from cli.session import Session
from cli.shadows import asked, promoting
from cli.shadows.asked import Asked
from cli.shadows.baselines import Baseline, decided
from cli.shadows.beside import Beside, chosen
from cli.shadows.candidates import candidate
from cli.shadows.comparing import Comparing
from cli.shadows.kept import How, standing
from cli.shadows.recast import at
from cli.shadows.running import SPENT, Ran, Shadowed
from cli.shadows.tolerances import places, tolerances
from insight.statistics.fields import Tolerance
from runtime.settings import ROOT
from store.ledger import Ledger
from store.watches import Watch, Watches
from tests.process.examples import EXAMPLES
from tests.process.living import begun
from tests.support.world import World, example, serving_worker
from workflows.data.blueprints.case import BlueprintCase
from workflows.data.blueprints.recast import named
from workflows.data.common import JSON, ORIGIN_HEADER, SHADOW
from workflows.data.email_triage import TriageCase, TriageResult
from workflows.data.promotion import RunsAs
from workflows.data.proposal import ProposalCase
from workflows.data.scheduled import SCHEDULED_RUN, ScheduledEnd

DUE_DILIGENCE = next(e for e in EXAMPLES if e.process == "due-diligence")


def test_a_candidate_is_read_or_refused_with_what_can_be_said() -> None:
    found = candidate("build:next+sequential")
    assert (found.build, found.sequential, found.process) == ("next", True, "")
    assert found.entry(process("proposal")).name == "proposal"
    for wrong in ("", "build:", "no-such-process"):
        with pytest.raises(BadInput, match="build:NAME"):
            candidate(wrong)
    with pytest.raises(BadInput, match="nothing to fuse"):
        candidate("fused").entry(process("proposal"))
    with pytest.raises(BadInput, match="cannot be compared"):
        candidate("sentiment").entry(process("proposal"))


def test_a_blueprint_takes_what_the_case_calls_alike() -> None:
    file = ROOT / "blueprints" / "email_triage.yaml"
    found = candidate(str(file))
    assert found.entry(process("email-triage")).name == "blueprint"
    given = example("email-triage/urgent", TriageCase)
    made = found.given(given)
    assert isinstance(made, BlueprintCase)
    assert made.case == given.case
    assert made.values["mail"] == given.mail.model_dump(mode="json")
    runs = found.runs(process("email-triage"))
    kept = RunsAs.model_validate_json(runs.model_dump_json(exclude_defaults=True))
    assert BlueprintCase.model_validate(kept.given(given.model_dump(mode="json"))) == made
    with pytest.raises(BadInput, match="has no"):
        found.given(example("proposal/fleet", ProposalCase))


def test_a_case_named_as_its_input_is_no_difference() -> None:
    """The id of a case may be what its texts call it; its shadow has another id, and the texts."""
    example = next(e for e in EXAMPLES if e.process == "proposal")
    comparing = Comparing(cast("Shadowed", None), process("proposal"), candidate("sequential"))
    baseline = Baseline("fleet", example.given(), {"case": "fleet", "n": 1}, origin="fleet")
    ran = Ran("shadow-pr-fleet-1", {"case": "fleet", "n": 2})
    assert [d.field for d in comparing.compared(baseline, ran).differences] == ["n"]


def test_tolerances_are_read() -> None:
    read = tolerances(["score=5%", "a.*=0.5", "why=~0.8", "note=any"])
    assert read == (
        Tolerance(fields="score", share=0.05),
        Tolerance(fields="a.*", apart=0.5),
        Tolerance(fields="why", alike=0.8),
        Tolerance(fields="note", anything=True),
    )
    for wrong in ("score", "=5%", "why=~2", "x=abc"):
        with pytest.raises(BadInput, match="FIELD=5%"):
            tolerances([wrong])


def test_a_field_is_found_by_its_name_or_its_place() -> None:
    result: JSON = {"costs": {"x": {"post": 1}}, "made": {"post": 2}, "pieces": [{"text": "a"}]}
    assert isinstance(result, dict)
    assert next(named(result, "post")) == 2, "the nearest to the top"
    assert at(result, places(["thread=pieces.0.text"])["thread"]) == "a"
    assert at(result, "pieces.1.text") is None
    with pytest.raises(BadInput, match="FIELD=PATH"):
        places(["thread"])


def test_what_people_decided_is_read_with_the_time_it_took(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "case,started,decided,outcome,urgent\n"
        "fleet,2026-11-02T09:00,2026-11-02T11:30,won,true\npumps,,,lost,\n"
    )
    known = decided(file)
    assert known["fleet"][0] == {"outcome": "won", "urgent": True}
    assert known["fleet"][1].seconds == 9000
    assert known["pumps"] == ({"outcome": "lost"}, known["pumps"][1])
    assert known["pumps"][1].seconds is None
    file.write_text("outcome\nwon\n")
    with pytest.raises(BadInput, match="`case`"):
        decided(file)


def test_a_share_of_the_cases_is_the_same_for_whoever_asks() -> None:
    names = [f"case-{n}" for n in range(400)]
    assert all(chosen(n, 1.0) for n in names)
    assert not any(chosen(n, 0.0) for n in names)
    assert {n for n in names if chosen(n, 0.2)} < {n for n in names if chosen(n, 0.5)}


@pytest.mark.server
async def test_a_candidate_beside_a_case_people_decided(here: World) -> None:
    """Its reviewers and referees are not asked again: what they said then is said again."""
    how = Asked(
        candidate("sequential"), tolerances(["*audit_head=any"]), agree=1.0, queue=here.queue
    )
    began = datetime.now(UTC)
    handle = await begun(here, DUE_DILIGENCE)
    await DUE_DILIGENCE.people(here, handle)
    await handle.result()
    session = Session(here.client, here.settings, None, None)
    book = await here.book()
    watches = Watches(here.store)
    told = How.of(how, 1.0).model_dump_json()
    end = began + timedelta(days=14)
    watch = Watch("watch-dd-1", "due-diligence", "sequential", told, began, end, False, None)
    await watches.open(watch)
    memo = {SHADOW: True, ORIGIN_HEADER: handle.id}
    name = f"shadow-{handle.id}-1"
    left = await here.begin("due-diligence", DUE_DILIGENCE.given(), id=f"{name}-1", memo=memo)
    async with asked.shadowing(session, how, watch.id) as shadowed:
        while not await watches.kept(watch.id):  # a case is listed a moment after it has ended
            assert await Beside(session, watches, watch).step(shadowed)
    assert (await left.describe()).status is WorkflowExecutionStatus.TERMINATED
    pairs, left_out = await standing(watches, watch)
    assert (len(pairs), left_out) == (1, {})
    (pair,) = pairs
    assert pair.candidate == f"{name}-2", "after a restart it begins anew"
    assert pair.agrees, pair
    assert (pair.paid, pair.acted, pair.untold) == (0, 0, 0)
    assert pair.effects
    assert pair.measured.usd == pytest.approx(pair.baseline.usd)
    after = await here.book()
    assert [after[k] for k in ("billed", "mails")] == [book[k] for k in ("billed", "mails")]
    assert await Ledger(here.store).effects(pair.candidate) == []
    asked.report([pair], how)
    for day, goes_on in ((0.5, True), (1, True), (1.5, True), (4, True), (14, False)):
        later = Beside(session, watches, watch, partial(began.__add__, timedelta(days=day)))
        async with asked.shadowing(session, how, watch.id) as shadowed:
            assert await later.step(shadowed) is goes_on
    assert [r.day for r in await watches.reports(watch.id)] == [1, 4, 14]
    assert (await standing(watches, watch))[0] == [pair], "what was compared is not run again"
    assert (await watches.all())[0].closed is not None
    with pytest.raises(BadInput, match="--suffix nobody"):
        await candidate("build:nobody").check_served(here.client, here.queue)


@pytest.mark.server
async def test_a_promotion_holds_wherever_a_case_is_started(
    here: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By `run`, for a mail that arrives, in a batch and by a schedule; and no more taken back."""
    entry, given = process("email-triage"), example("email-triage/routine", TriageCase)
    session = Session(here.client, here.settings, None, None)
    await promoting.promote(
        session, entry.name, "blueprints/email_triage.yaml+sequential", "ana", "as good"
    )
    made, case, start = await promoting.promoted(session, entry, given, Start())
    assert (made.name, type(case), start.sequential) == ("blueprint", BlueprintCase, True)

    run = await here.begin(SCHEDULED_RUN, scheduling.order(entry, given, service(session)))
    app = create_app(
        *(here.client, here.store, given.desk), sender="us@b.example", service=service(session)
    )
    mail = {"message_id": f"<{here.queue}@a.example>", "from": "a@b.example", "text": "Hello?"}
    wire = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=wire, base_url="http://127.0.0.1") as post:
        arrived = (await post.post("/mails", json=mail)).json()
    (file := tmp_path / "mails.jsonl").write_text(given.model_dump_json())
    wish = starting.wish("", 10, "0", "", strict=True, sure=True)
    found = running.prepared(entry, file, None, wish)
    await running.run(session, entry, found, wish, None, as_json=True, queue=here.queue)
    told = capsys.readouterr().out
    batch = json.JSONDecoder().raw_decode(told[told.index("{\n") :])[0]["batch"]
    ended = await here.done(run, ScheduledEnd)
    for name in (arrived["case"], f"{batch}:{given.case}", ended.case):
        described = await here.client.get_workflow_handle(name).describe()
        assert described.workflow_type == "blueprint", name
    await here.client.get_workflow_handle(arrived["case"]).terminate("nobody serves its queue")

    await promoting.demote(session, entry.name)
    again = await promoting.promoted(session, entry, given, Start())
    assert again == (entry, given, Start())
    with pytest.raises(BadInput, match="go on from its result"):
        await promoting.promote(session, "due-diligence", "blueprints/quiz.yaml", "ana", "")


@pytest.mark.server
async def test_no_form_of_candidate_changes_anything_outside(here: World, tmp_path: Path) -> None:
    """Another build of the workers, fused steps, people's words, and a budget that runs out."""
    session = Session(here.client, here.settings, None, None)
    mail, letter = process("email-triage"), example("email-triage/routine", TriageCase)
    real = await here.begin(mail.name, letter, id=mail.new_id(letter))
    ended = await here.done(real, TriageResult)
    before = await acts(here)

    def tried(text: str, **more: Any) -> Asked:
        return Asked(candidate(text), queue=here.queue, **more)

    suffix = here.queue.removeprefix("braid") + "-next"
    async with serving_worker(here.settings, here.store, here.client, suffix):
        await served(here, build := tried("build:next+sequential"))
        (pair,) = await asked.of_cases(session, [real.id], build)
        shadow = await here.client.get_workflow_handle(pair.candidate).describe()
    assert (pair.agrees, pair.paid, shadow.task_queue) == (True, 0, f"{here.queue}-next"), pair

    papers = ROOT / "cases" / "document-analysis" / "suppliers.yaml"
    pile = process("document-analysis")
    (pair,) = await asked.of_inputs(session, pile, [papers], tried("fused"), None)
    assert pair.agrees, pair
    assert pair.measured.usd == pytest.approx(pair.baseline.usd)
    told = here.client.get_workflow_handle(pair.candidate).fetch_history_events()
    sent = [e.activity_task_scheduled_event_attributes.activity_type.name async for e in told]
    assert "run_step" in sent, "its steps ran fused"

    (file := tmp_path / "mails.jsonl").write_text(letter.model_dump_json())
    (words := tmp_path / "people.csv").write_text(
        "case,started,decided,outcome\n"
        f"{letter.case},2026-11-02T09:00,2026-11-02T11:30,{ended.outcome}\n"
    )
    (pair,) = await asked.of_inputs(session, mail, [file], tried("sequential"), words)
    assert (pair.agrees, pair.baseline.seconds, pair.untold) == (True, 9000, len(pair.effects)), (
        pair
    )

    poor = tried("blueprints/email_triage.yaml", usd=Decimal("0.000001"))
    (pair,) = await asked.of_cases(session, [real.id], poor)
    assert pair.why == SPENT, pair
    assert asked.verdict_of([pair], poor).cases == 0, "no fault of the candidate"
    assert await acts(here) == before


async def served(here: World, wish: Asked) -> None:
    """Wait until a worker of the candidate's build asks for work."""
    while True:
        try:
            return await wish.candidate.check_served(here.client, wish.queue)
        except BadInput:
            continue


async def acts(here: World) -> dict[str, object]:
    """Read what the simulator performed and mailed; what was asked and billed aside."""
    return {k: v for k, v in (await here.book()).items() if k in ("effects", "mails", "chats")}
