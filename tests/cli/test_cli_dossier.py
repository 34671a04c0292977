"""The dossier: whole in itself, nothing foreign acts in it, citations lead somewhere, it prints."""

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.dossier.body import QUESTIONS, findings
from cli.dossier.page import page
from cli.dossier.reading import audit_of, view_of
from cli.dossier.view import View
from cli.errors import BadInput
from cli.session import Session
from starter import app
from tests.rules.dd_records import NOW, checks, example, narrative, result
from tests.rules.test_rules_decision import disposed, plain, written
from tests.support.browser import browser
from tests.support.tools import needs
from tests.support.world import World, case_file
from workflows.data.audit import broken, canonical
from workflows.data.case_file import CaseFile
from workflows.data.decision import CaseSoFar, DecisionRecord
from workflows.data.findings import Check, FindingCode
from workflows.data.ownership import Band, Flagged, Stake, Standing, Structure, StructureFlag
from workflows.data.worksheet import Ratio, Score, Worksheet

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>&\"'"


class Parts(HTMLParser):
    """What a browser would see: each element with its attributes."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def structure() -> Structure:
    """One holder by two chains, a third of the votes unknown."""
    band = Band(low=25, high=50)
    holder = Stake(
        party="x",
        name=HOSTILE,
        kind="person",
        country="GB",
        shares=band,
        standing=Standing.OWNER,
        paths=("A > B > C", "A > D > C"),
    )
    why = "shares in a circle"
    return Structure(
        subject="s",
        name="S",
        holders=(holder,),
        unknown_shares=Band(low=50, high=75),
        unknown_votes=Band(low=33, high=33),
        layers=2,
        parties=4,
        flags=(Flagged(flag=StructureFlag.CIRCULAR_OWNERSHIP, why=why),),
    )


def accounts() -> Worksheet:
    """Accounts whose score alarms and of which one ratio cannot be computed."""
    ratio = {"name": "current ratio", "formula": "CA / CL"}
    return Worksheet(
        policy="credit-2026-11",
        source="SEC EDGAR",
        end=date(2025, 12, 31),
        months=12,
        currency="USD",
        ratios=(
            Ratio(**ratio, inputs={"current_assets": 2e9}, value=1.234, mark="fair"),
            Ratio(name="quick ratio", formula="(CA - inventory) / CL", why="no inventory"),
        ),
        scores=(Score(name="Z''", formula="6.56 X1", value=-1.33, zone="distress"),),
        tangible_net_worth=-5e8,
        doubts=("not audited",),
    )


def hostile() -> View:
    case = example().model_dump(mode="json")
    case["subject"]["name"] = HOSTILE
    held = checks(
        credit=result(Check.CREDIT, FindingCode.CREDIT_DISTRESS, gaps=1),
        media=result(Check.MEDIA, gaps=1),
    )
    annexed: dict[Check, dict[str, Any]] = {
        Check.OWNERSHIP: {"structure": structure()},
        Check.CREDIT: {"worksheet": accounts()},
    }
    held = tuple(c.model_copy(update=annexed.get(c.check)) for c in held)
    odd = held[0].evidence[0].model_copy(update={"excerpt": HOSTILE, "record": HOSTILE})
    held = (held[0].model_copy(update={"evidence": (odd,)}), *held[1:])
    known = CaseSoFar(checks=held, narrative=narrative(dropped=1))
    return View("dd-x", CaseFile.model_validate(case), known, written().rows, NOW)


def sound(document: str) -> Parts:
    """Hold what every dossier must: no script, nothing loaded, every link leads into the page."""
    seen = Parts(document)
    ids = {a["id"] for _, a in seen.tags if "id" in a}
    assert len(ids) == len([a for _, a in seen.tags if "id" in a]), "an id stands there twice"
    assert {t for t, _ in seen.tags} & {"script", "img", "link", "iframe", "object"} == set()
    for _, attributes in seen.tags:
        assert not set(attributes) & {"src", "style", "onclick", "onerror"}
        if (link := attributes.get("href")) is not None:
            assert link.startswith("#")
            assert link[1:] in ids, link
    assert "url(" not in document
    assert "@import" not in document
    return seen


def test_hostile_words_are_shown_and_do_nothing_and_links_lead_somewhere() -> None:
    seen = sound(page(hostile()))
    assert HOSTILE in seen.text
    for told in ("25-50 %", "33 %", "A > D > C", "Shares in a circle", "-1.33", "Distress",
                 "1.23", "no inventory", "current assets 2,000.0", "USD millions", "Not audited",
                 "USD -500,000,000", "United Kingdom (GB)"):  # fmt: skip
        assert told in seen.text, told
    assert "not for real screening" in seen.text.lower()
    assert "draft, not decided" in seen.text.lower()


def test_a_hit_is_shown_with_the_worksheet_of_whoever_judged_it() -> None:
    check = result(Check.SANCTIONS, FindingCode.POSSIBLE_SANCTIONS_MATCH)
    hit = disposed(check.findings[0])
    said: dict[str, Any] = {"checks": (check,), "hits": (hit,), "parties": ()}
    record = DecisionRecord.model_construct(**said)
    known = CaseSoFar.model_construct(decision=record)
    told = Parts(findings(View("dd-x", example(), known, (), NOW))).text
    (review,) = hit.reviews
    for answer in ("right_list", "same_type", "name_part", "enough_identifiers"):
        assert f"{QUESTIONS[answer]} {getattr(review.worksheet, answer)}" in told
    assert "False positive" in told
    assert f"by {hit.by[0]}" in told


@pytest.mark.server
@needs("chromium")
def test_it_prints_on_a4_without_overflow_and_asks_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "dossier.html"
    file.write_text(page(hostile()), encoding="utf-8")
    with browser(tmp_path) as tab:
        width = round(210 / 25.4 * 96)
        tab.call(
            "Emulation.setDeviceMetricsOverride",
            width=width - 106,  # less the margins of the page
            height=1000,
            deviceScaleFactor=1,
            mobile=False,
        )
        tab.media("print")
        tab.call("Page.navigate", url=file.as_uri())
        tab.until("document.readyState === 'complete' && !!document.querySelector('footer')")
        root = "document.documentElement"
        assert tab.run(f"{root}.scrollWidth - {root}.clientWidth") == 0
        cut = tab.run(
            "[...document.querySelectorAll('td, dd, li, h1')]"
            ".filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0).length"
        )
        assert cut == 0
        printed = tab.call("Page.printToPDF", preferCSSPageSize=True)
        assert len(printed["data"]) > 10_000
        asked = [e["request"]["url"] for e in tab.events("Network.requestWillBeSent")]
        assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
        assert tab.events("Log.entryAdded") == []


@pytest.mark.server
async def test_a_case_becomes_a_dossier_and_an_audit_that_can_be_checked(
    here: World, tmp_path: Path
) -> None:
    """Saderat, from start to declined: draft at the gate, then the whole record."""
    handle = await here.start(case_file("bank_saderat"))
    session = Session(here.client, here.settings, None, None)
    await here.gate(handle)
    assert (await view_of(session, handle.id)).decision is None
    await here.decide(handle, "decline", "mira", comment="true match")
    record = await here.result(handle)
    view = await view_of(session, handle.id)
    assert view.chain == "whole"
    seen = sound(page(view))
    for text in (
        "BANK SADERAT PLC",
        "01126618",
        "true match",
        "Prohibited",
        "mira (compliance, senior)",
        "United Kingdom (GB)",
        record.audit_head[:12],
    ):
        assert text in seen.text, text
    assert record.inputs_sha256
    assert record.next_review_due is None
    assert record.retention_until is not None
    assert [s.user for s in record.signed if s.gate == "review"] == ["mira"]
    assert "sanction" not in record.customer_explanation.lower()
    rows, named = await audit_of(handle)
    raw = [row.model_dump(mode="json") for row in rows]
    assert broken(raw, named) is None
    told = [row["action"] for row in raw]
    assert told[0] == "case.opened"
    assert told[-1] == "case.closed"
    assert {"gate.decided", "tier.set", "decision.made", "task.opened"} <= set(told)
    report = here.client.get_workflow_handle(f"{handle.id}-report")
    (gate,) = await report.query("open_gates")
    assert gate["may_decide"] == ["mira"]
    assert (await report.query("status"))["phase"] == "report due"


# ---- the command on files ------------------------------------------------------------------


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["audit", *words])


def test_audit_names_the_first_broken_row_of_a_file(tmp_path: Path) -> None:
    rows, head = plain(written()), written().head
    file = tmp_path / "audit.jsonl"
    file.write_text("".join(f"{canonical(row)}\n" for row in rows), encoding="utf-8")
    good = run("--file", str(file), "--verify", "--head", head)
    assert good.exit_code == 0
    assert f"{len(rows)} rows, the chain is whole" in good.stdout
    rows[6]["reason"] = "another"
    file.write_text("[" + ",".join(map(canonical, rows)) + "]", encoding="utf-8")
    bad = run("--file", str(file), "--verify")
    assert bad.exit_code == 1
    assert "row 7" in str(bad.exception)
    assert run("--file", str(file)).exit_code == 0, "shown, not checked"


@pytest.mark.parametrize("text", ["", "not json", "[1, 2]", '"x"', "{\n"])
def test_a_file_without_rows_is_refused_in_a_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "audit.json"
    file.write_text(text, encoding="utf-8")
    done = run("--file", str(file), "--verify")
    if text:
        assert isinstance(done.exception, BadInput)
        assert re.search(r"--file .*: (line 1 is no JSON|holds no rows)", str(done.exception))
    assert isinstance(run().exception, BadInput)
