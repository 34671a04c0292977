"""Blueprints: the page followed literally, those there are, people, undo, what is refused."""

import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from temporalio import workflow
from temporalio.client import WorkflowFailureError
from typer.testing import CliRunner

from cli.blueprints.checking import case_of, checked
from cli.blueprints.drawing import drawn
from cli.errors import BadInput
from cli.processes import PROCESSES
from deployed import WORKFLOWS
from runtime.allowed import leads_inside
from runtime.settings import ROOT, Settings, SettingsError
from starter import app
from tests.support.world import Handle, World, example
from workflows.data.blueprints.case import BlueprintCase, BlueprintResult
from workflows.data.blueprints.templates import filled, holds
from workflows.data.common import JSON
from workflows.errors import reason
from workflows.rules.blueprints import doors
from workflows.steps.blueprints.costs import TELLS, cost_in

SERVER = pytest.mark.server
PAGE = (ROOT / "docs/blueprints.md").read_text(encoding="utf-8")
FILES = sorted((ROOT / "blueprints").glob("*.yaml"))
CASES = ROOT / "cases/blueprints"


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def commands() -> list[list[str]]:
    """Give the page's commands, without the interpreter."""
    return [shlex.split(line)[2:] for line in block("sh").splitlines()]


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's blueprint, saved as it says, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    path = Path("weather_note.yaml")
    path.write_text(block("yaml"), encoding="utf-8")
    return path


def given_by_page() -> list[str]:
    run = commands()[2]
    return [run[place + 1] for place, word in enumerate(run) if word == "--input"]


def test_the_page_holds_before_anything_runs(note: Path) -> None:
    check, graph, run = commands()
    assert [c[:2] for c in (check, graph, run)] == [
        ["blueprint", w] for w in ("check", "graph", "run")
    ]
    assert CliRunner().invoke(app, check).exit_code == 0
    assert CliRunner().invoke(app, graph).output == block("text")
    case = case_of(note, given_by_page())
    assert case.values == {"place": "Kiel", "today": "8 C, rain"}


@SERVER
async def test_the_page_runs(here: World, note: Path) -> None:
    ended = await done(here, case_of(note, given_by_page()))
    assert set(ended.result) == {"german", "french"}
    assert all(ended.result.values())
    assert ended.sha256 == case_of(note, given_by_page()).sha256


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_blueprint_is_sound(path: Path) -> None:
    found = checked(path)
    assert found.errors == ()
    assert [line for line in found.advice if " warning " in line] == []
    assert case_of(path, [str(CASES / path.name)]).values, "its example input fits"


def test_what_may_be_run_is_what_there_is() -> None:
    assert {*doors.PROCESSES, "blueprint"} == {entry.name for entry in PROCESSES}


@pytest.mark.parametrize(
    ("result", "usd", "calls"),
    [
        ({"cost": {"calls": 2, "usd": "0.5", "by_branch": {"a": "0.5"}}, "x": 1}, "0.5", 2),
        ({"cost_usd": "0.25"}, "0.25", 0),
        ({"usd": "0.125"}, "0.125", 0),
        ({"cost": "dear"}, "0", 0),
        (["no record"], "0", 0),
    ],
)
def test_what_a_child_cost_is_read_off_its_result(result: Any, usd: str, calls: int) -> None:
    found = cost_in(result)
    assert (found.usd, found.calls) == (Decimal(usd), calls)


def test_every_process_whose_models_cost_says_what() -> None:
    named = {workflow._Definition.must_from_class(one).name or "": one for one in WORKFLOWS}
    runs: dict[str, Any] = {name: named[name] for name in doors.PROCESSES}
    results = {name: get_type_hints(p.run)["return"].model_fields for name, p in runs.items()}
    silent = {name for name, fields in results.items() if not {*fields} & {*TELLS}}
    assert silent == {"order-fulfilment", "data-pipeline"}, "which ask no model"


def test_new_ones_start_from_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in FILES:
        made = CliRunner().invoke(app, ["blueprint", "new", f"my_{path.stem}", "--from", path.stem])
        assert made.exit_code == 0
        found = checked(Path(f"my_{path.stem}.yaml"))
        assert (found.errors, found.source.blueprint.name[:3]) == ((), "my-")
        assert list(drawn(found.source.blueprint))
    with pytest.raises(BadInput, match="is there already"):
        CliRunner().invoke(app, ["blueprint", "new", "my_quiz"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ask: drafter", "ask: poet"),
        ("ask: drafter\n", "effect: bomb\n"),
        ("steps.note.text", "steps.note.colour"),
        ("{{ input.place }}", "{{ ''.__class__ }}"),
    ],
    ids=["role", "effect", "field", "escape"],
)
def test_what_cannot_be_is_refused_with_its_place(note: Path, change: str, said: str) -> None:
    note.write_text(block("yaml").replace(change, said, 1), encoding="utf-8")
    with pytest.raises(BadInput, match=r"weather_note.yaml:\d+:\d+: "):
        case_of(note, given_by_page())


def test_values_are_refused_by_field(note: Path) -> None:
    with pytest.raises(
        BadInput, match=r"input today: .*\ninput wind: .*\nweather-note takes place"
    ):
        case_of(note, ["place=Kiel", "wind=5"])


async def begun(here: World, case: BlueprintCase) -> Handle:
    return await here.begin("blueprint", case)


async def done(here: World, case: BlueprintCase) -> BlueprintResult:
    return await here.done(await begun(here, case), BlueprintResult)


def given(name: str) -> BlueprintCase:
    """Give the example of a blueprint."""
    return case_of(ROOT / "blueprints" / f"{name}.yaml", [str(CASES / f"{name}.yaml")])


@SERVER
async def test_an_invoice_is_paid_once_a_person_agrees(here: World) -> None:
    case = given("invoice")
    keyed = case.model_copy(update={"blueprint": here.keyed(case.blueprint)})
    handle = await begun(here, keyed)
    gate = await here.gate(handle, "approve")
    assert "119.0 EUR to Northwind Pumps" in gate.question
    await here.decide(handle, "approve", "ben", gate=gate.name)
    ended = await here.done(handle, BlueprintResult)
    assert (ended.result["paid"], ended.result["decided_by"]) == (True, "ben")
    assert (await here.book())["held"]["payments"] == {"inv-2026-118": "authorised"}


def changed(case: BlueprintCase, step: str, **to: Any) -> BlueprintCase:
    """Give a case in which a step is another."""
    blueprint = case.blueprint.model_dump(by_alias=True, exclude_defaults=True)
    blueprint["steps"][step] = to
    return BlueprintCase.model_validate({**case.model_dump(), "blueprint": blueprint})


@SERVER
async def test_a_failed_step_undoes_what_was_done_and_a_hostile_one_runs_nothing(
    here: World,
) -> None:
    lead = given("lead_scoring")
    order = {"action": "authorise", "payment": "p1", "token": "t", "amount": 0, "currency": "EUR"}
    refused = changed(lead, "notify", effect="payment", needs=["crm"], **{"with": order})
    with pytest.raises(WorkflowFailureError) as failed:
        await done(here, refused)
    assert "payments refused: 422" in reason(failed.value.cause or failed.value)
    done_ = (await here.book())["effects"]["by_action"]
    assert (done_["endpoints/crm/leads"], done_["endpoints/crm/leads/withdrawn"]) == (1, 1)
    with pytest.raises(WorkflowFailureError) as failed:
        await done(here, changed(lead, "score", effect="bomb"))
    said = reason(failed.value.cause or failed.value)
    assert "steps.score.effect: there is no effect 'bomb'" in said
    assert (await here.book())["effects"]["by_action"] == done_


# ---- twins: a blueprint comes to the same as the process in code --------------------------------


def written(name: str, values: dict[str, Any]) -> BlueprintCase:
    """Give a case of a blueprint with values of a case file of its twin."""
    blueprint = checked(ROOT / "blueprints" / f"{name}.yaml").source.blueprint
    return BlueprintCase(case=blueprint.name, blueprint=blueprint, values=values)


async def both(
    here: World, process: str, file: str, name: str, *fields: str, desk: Any = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a case file, changed by `desk`, as code and as blueprint; give both results as JSON."""
    entry = next(entry for entry in PROCESSES if entry.name == process)
    said = example(f"{process}/{file}", entry.record).model_dump(mode="json")
    if desk:
        said["desk"] |= desk
    case = entry.record.model_validate(said)
    said = {**said, **said["desk"]} if desk else said
    code = await here.begin(process, case)
    blueprint = await begun(here, written(name, {field: said[field] for field in fields}))
    for handle, gate in ((code, "answer"), (blueprint, "approval")) if desk else ():
        await decided(here, handle, gate)
    return await code.result(), (await here.done(blueprint, BlueprintResult)).model_dump()["result"]


async def decided(here: World, handle: Handle, name: str) -> None:
    """Approve, if the case asks."""
    phase = await here.until(
        handle, "status", lambda s: s["phase"] == "closed" or f"gate {name}" in s["waiting_for"]
    )
    if phase["phase"] != "closed":
        await here.decide(handle, "approve", "ana", gate=name)


@SERVER
@pytest.mark.parametrize(
    ("file", "checks"), [("routine", "draft"), ("urgent", "draft"), ("urgent", "mail")]
)
async def test_email_triage_has_a_twin(here: World, file: str, checks: str) -> None:
    fields = ("mail", "facts", "signature", "reply_time", "review", "team")
    name = "email_triage" if checks == "mail" else "email_triage_draft"
    desk = {"checks": checks}
    code, twin = await both(here, "email-triage", file, name, *fields, desk=desk)
    reading = code.pop("reading")
    for field in ("outcome", "path", "answer"):
        assert twin[field] == code[field], field
    for field in ("sentiment", "category", "urgency", "points"):
        assert twin[field] == reading[field], field
    own = dict.fromkeys(("id", "workflow_id", "message_id"))
    sent = [{**mail, **own} for mail in (await here.book())["mails"]]
    assert len(sent) == 2
    assert sent[0] == sent[1]


@pytest.mark.parametrize("name", ["email_triage", "email_triage_draft"])
@pytest.mark.parametrize(
    ("by", "outcome", "answer"), [("", "not_answered", "Hello"), ("ana", "declined", "")]
)
def test_an_answer_nobody_decided_about_is_kept_and_not_sent_as_in_code(
    name: str, by: str, outcome: str, answer: str
) -> None:
    made = checked(ROOT / "blueprints" / f"{name}.yaml").source.blueprint
    approval = {"verdict": "decline", "by": by, "value": None}
    steps: dict[str, JSON] = dict.fromkeys(made.steps) | {
        "path": "template_approved",
        "template": "Hello",
        "approval": approval,
    }
    steps["answer"] = filled(made.steps["answer"].give, {"input": {}, "steps": steps})
    known: dict[str, JSON] = {"input": {}, "steps": steps}
    assert steps["answer"] == answer
    assert not holds(made.steps["sending"].when, known)
    assert filled(made.result["outcome"], known) == outcome


@SERVER
@pytest.mark.parametrize("file", ["bakery", "cold_store"])
async def test_content_generation_has_a_twin(here: World, file: str) -> None:
    fields = ("topic", "audience", "facts")
    code, twin = await both(here, "content-generation", file, "content_generation", *fields)
    for piece in code["pieces"]:
        assert twin[piece["name"]]["parts"] == piece["parts"], piece["name"]
    assert twin["unsettled"] == code["unsettled"]


@SERVER
async def test_content_production_has_a_twin(here: World) -> None:
    fields = ("topic", "audience", "messages", "material", "words")
    code, twin = await both(here, "content-production", "heat_pumps", "content_production", *fields)
    for field in ("outcome", "draft", "layout", "figures", "facts", "objections", "announced"):
        assert twin[field] == code[field], field


# ---- every kind of step, and every way to go on --------------------------------------------------

ALL_KINDS = """
name: all-kinds
input: {words: list of text, card: text, boss: text}
limits: {crm: {at_once: 1}}
steps:
  told: {event: {name: paid, deadline: 1h}}
  quick: {give: "{{ input.words | first }}"}
  early:
    soft: [told]
    give: {late: "{{ steps.told == none }}", quick: "{{ steps.quick }}"}
  posted:
    for_each: "{{ input.words }}"
    http: {endpoint: crm, path: /words}
    with: {word: "{{ item }}"}
  read:
    needs: [posted]
    http: {endpoint: crm, method: GET, path: /words}
  counted:
    repeat: {until: "{{ last.n >= 3 }}", at_most: 5}
    give: {n: "{{ (last.n if last else 0) + 1 }}"}
  child:
    run: quiz
    with: {topic: "{{ steps.told.about }}"}
  pieces:
    run: content-generation
    with: {case: inner, topic: pumps, audience: all, facts: "{{ input.words }}"}
  broken:
    effect: payment
    with: {action: capture, payment: "{{ input.card }}"}
    gives: {reference: text}
    on_failure: {ask: ["{{ input.boss }}"]}
  given:
    effect: payment
    with: {action: capture, payment: "{{ input.card }}-2"}
    on_failure: {default: {reference: "none of {{ input.card }}"}}
  silent:
    gate: {question: "Now?", people: [ben], deadline: 1s, by_default: decline}
result:
  early: "{{ steps.early }}"
  words: "{{ steps.read.posted | map('word') }}"
  counted: "{{ steps.counted.n }}"
  quiz: "{{ steps.child.quiz != '' }}"
  pieces: "{{ steps.pieces.pieces | map('name') }}"
  broken: "{{ steps.broken.reference }}"
  given: "{{ steps.given.reference }}"
  silent: "{{ steps.silent.verdict }}"
"""


@SERVER
async def test_every_kind_of_step(here: World, tmp_path: Path) -> None:
    path = tmp_path / "all_kinds.yaml"
    path.write_text(ALL_KINDS, encoding="utf-8")
    handle = await begun(here, case_of(path, ["words=a,b", "card=c1", "boss=ana"]))
    gate = await here.gate(handle, "broken-failed")
    await here.until(handle, "result_so_far", lambda known: "early" in known["steps"])
    body = {"about": "pumps"}
    await handle.signal("event", {"name": "paid", "id": "1", "sender": "shop", "body": body})
    value = {"reference": "by hand"}
    await here.decide(handle, "supply", "ana", gate=gate.name, value=value)
    try:
        ended = await here.done(handle, BlueprintResult)
    except WorkflowFailureError as error:
        pytest.fail(reason(error.cause or error))
    assert ended.result == {
        "early": {"late": True, "quick": "a"},
        "words": ["a", "b"],
        "counted": 3,
        "quiz": True,
        "pieces": ["thread", "post", "caption", "newsletter"],
        "broken": "by hand",
        "given": "none of c1",
        "silent": "decline",
    }
    assert [(r.step, r.late) for r in ended.revisions] == [("early", "told")]
    assert {*ended.cost.by_branch} == {"child", "pieces"}, "the blueprint's and the code's"
    assert ended.cost.usd == sum(ended.cost.by_branch.values()) > 0
    assert ended.cost.calls > 3


# ---- endpoints -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        *("http://crm.example.com", "https://localhost/x", "https://10.0.0.1", "https://[::1]/"),
        *("https://127.1", "https://2130706433", "https://0x7f.0.0.1", "https://169.254.169.254/"),
        *("https://crm", "https://crm.internal", "https://me@crm.example.com", "https://"),
    ],
)
def test_no_private_address_gets_on_the_list(url: str) -> None:
    with pytest.raises(SettingsError, match="BRAID_ENDPOINTS: crm: "):
        Settings.from_env({"BRAID_ENDPOINTS": f"crm={url}"})


async def test_only_the_list_is_called_live_and_no_name_that_leads_inside() -> None:
    url = "https://crm.example.com/api"
    settings = Settings.from_env({"BRAID_ENDPOINTS": f"crm={url}/", "BRAID_LIVE": "1"})
    assert settings.endpoint("endpoint-crm").base_url == url
    with pytest.raises(SettingsError, match="'ads' is not on the allow-list"):
        settings.endpoint("endpoint-ads")
    assert await leads_inside("https://localhost/") in ("127.0.0.1", "::1")
