"""`stats` and `rate` as people meet them: from files, and over real cases on the real server."""

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, Interceptor, OutboundInterceptor

from cli import runs, wishes
from cli.errors import BadInput
from cli.runs import check_name
from cli.session import Session
from cli.stats_report import rate_case, show, show_files
from cli.wishes import Wishes
from insight.statistics.runs import RunSummary
from insight.statistics.stats import Period
from runtime.settings import ROOT
from tests.insight.many_runs import summed
from tests.support.world import Handle, World, case_file

KEPT = ROOT / "tests" / "replay"
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ALL = Wishes(Period())


@pytest.fixture
def histories(tmp_path: Path) -> Path:
    """The kept due diligence histories, half of them a week older, and a file that is none."""
    for place, file in enumerate(sorted(KEPT.glob("due_diligence_*.json"))):
        day = "2026-11-19T" if place < 3 else "2026-11-26T"
        text = re.sub(r'(?<=")\d{4}-\d\d-\d\dT', day, file.read_text(encoding="utf-8"))
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    return tmp_path


Captured = pytest.CaptureFixture[str]


def shown(capsys: Captured) -> tuple[dict[str, Any], str]:
    """Give the JSON object that was written, after what workers of this process logged."""
    said = capsys.readouterr()
    found, _ = json.JSONDecoder().raw_decode(said.out[f"\n{said.out}".rindex("\n{\n") :])
    return found, said.err


def test_histories_in_a_folder_need_no_server(histories: Path, capsys: Captured) -> None:
    show_files(histories, "", ALL, as_json=True)
    found, told = shown(capsys)
    assert found["stats"]["process"] == "due-diligence", "the only type there is"
    assert found["stats"]["cases"] == 7
    assert "straight_through" in found["stats"]["dead"]
    assert "1 of 8 files hold no history" in told


def test_a_terminal_of_80_columns_holds_all_tables(
    histories: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    labour = wishes.labour("6h", 85.0, "10m")
    asked = Wishes(Period(), before=wishes.side("2026-11-22", "--before"), by="policy")
    for wished in (asked, Wishes(Period(), labour=labour)):
        show_files(histories, "due-diligence", wished, as_json=False)
        text = capsys.readouterr().out
        assert max(map(len, text.splitlines())) <= 80
        assert "too few" in text
    assert "36.00 h" in text.replace(",", ""), "6 completed cases, 6 hours each"
    shutil.copytree(KEPT, histories / "more")
    show_files(histories, "", ALL, as_json=False)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert {"due-diligence", "spread"} <= set(text.split())


def test_nothing_found_is_said_with_what_there_is(histories: Path) -> None:
    for process, wished, words in (
        ("onboarding", ALL, "no history of 'onboarding'; there are due-diligence"),
        ("", Wishes(Period(NOW)), "no case of due-diligence began in that time; the 7 there are"),
        ("", Wishes(Period(), after=wishes.side("v9", "")), "--after leaves no case.*dd-2026-11"),
    ):
        with pytest.raises(BadInput, match=words):
            show_files(histories, process, wished, as_json=True)
    for file in histories.glob("due*"):
        file.unlink()
    with pytest.raises(BadInput, match=r"other.json: JSON, but .* is in it"):
        show_files(histories, "", ALL, as_json=True)


@pytest.mark.parametrize("name", ["", "a'b", 'a"b', "a`b", "a\\b"])
def test_a_name_that_would_break_a_query_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="no name of a process"):
        check_name(name)


def test_moments_and_lengths_are_read_as_people_write_them() -> None:
    assert wishes.moment("7d", "--since", NOW) == NOW - timedelta(days=7)
    assert wishes.moment("1h30m", "--since", NOW) == NOW - timedelta(minutes=90)
    assert wishes.moment("2026-11-20", "--since", NOW) == datetime(2026, 11, 20, tzinfo=UTC)
    at = wishes.moment("2026-11-20T08:00+02:00", "--since", NOW)
    assert at == datetime(2026, 11, 20, 6, tzinfo=UTC)
    for bad in ("2026-02-30", "week", "7", "99999999999d"):
        with pytest.raises(BadInput, match=f"--since '{bad}'"):
            wishes.moment(bad, "--since", NOW)
    with pytest.raises(BadInput, match="need --by-hand"):
        wishes.labour("", 85.0, "")


def test_cases_are_parted_by_day_build_or_mark() -> None:
    cases = [
        summed(n, version="build-one" if n < 3 else "build-two", marks=("patch-7",) if n else ())
        for n in range(5)
    ]

    def parted(before: str, after: str) -> tuple[list[str], list[str]]:
        asked = Wishes(Period(), wishes.side(before, ""), wishes.side(after, ""))
        one, two = asked.sides(cases)
        return names(one), names(two)

    assert parted("build-one", "build-two") == (["0", "1", "2"], ["3", "4"])
    assert parted("build-one", "") == (["0", "1", "2"], ["3", "4"])
    assert parted("", "patch-7") == (["0"], ["1", "2", "3", "4"])
    assert parted("2026-11-01T02:00", "") == (["0", "1"], ["2", "3", "4"])
    assert parted("2026-11-01T02:00", "2026-11-01T04:00") == (["0", "1"], ["4"])


def names(cases: list[RunSummary]) -> list[str]:
    return [case.facts.workflow.removeprefix("case-") for case in cases]


async def closed(client: Client, cases: list[Handle]) -> None:
    """Wait until the service lists these cases as closed."""
    ids = " OR ".join(f"WorkflowId = '{case.id}'" for case in cases)
    query = f"({ids}) AND ExecutionStatus != 'Running'"
    while (await client.count_workflows(query)).count < len(cases):
        pass


class Fetched(Interceptor):
    """Notes of which workflows histories are fetched."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Fetched(next, self.ids)


class _Fetched(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, ids: list[str]) -> None:
        super().__init__(next)
        self.ids = ids

    def fetch_workflow_history_events(self, input: Any) -> Any:
        self.ids.append(input.id)
        return super().fetch_workflow_history_events(input)


@pytest.mark.server
async def test_real_cases_are_summed_up_once_and_rated(
    here: World, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "service", lambda _: here.queue)
    fetched = Fetched()
    settings: dict[str, Any] = {**here.client.config(), "interceptors": [fetched]}
    client = Client(**settings)
    session = Session(client, here.settings, None, None)
    waits = await here.start(case_file("unilever"))
    done = [await here.start(case_file(name)) for name in ("unilever", "bank_saderat")]
    for case, verdict, by in zip(done, ("approve", "decline"), ("ana", "mira"), strict=True):
        await here.gate(case)
        await here.decide(case, verdict, by)
        await here.result(case)
    await here.gate(waits)
    await closed(here.client, done)
    since = Wishes(Period((await done[0].describe()).start_time))

    await show(session, "due-diligence", since, as_json=True)
    found, _ = shown(capsys)
    of = found["stats"]
    assert (of["cases"], of["statuses"]) == (2, {"completed": 2})
    assert of["running"] >= 1
    assert {g["name"] for g in of["paths"]} == {"quick_approval", "compliance_officer"}
    assert of["dead"] == ["straight_through", "analyst", "two_people_one_senior"]
    assert of["satisfaction"]["drafts"] == {"unchanged": 1, "changed": 0, "withheld": 1}
    assert of["satisfaction"]["rated"] == {"part": 0, "of": 2}
    assert of["simulated"] == 2
    cost = next(f for f in of["figures"] if f["name"] == "cost")
    assert 0 < cost["p50"] < cost["p95"]

    assert {case.id for case in done} <= set(fetched.ids)
    fetched.ids.clear()
    await rate_case(session, done[0].id, 2, "too slow", "ana", as_json=False)
    await rate_case(session, done[0].id, 4, "", "bo", as_json=False)
    await rate_case(session, waits.id, 5, "", "", as_json=False)
    with pytest.raises(BadInput, match="there is no case 'nobody'"):
        await rate_case(session, "nobody", 3, "", "ana", as_json=False)
    capsys.readouterr()
    await show(session, "due-diligence", since, as_json=True)
    again, _ = shown(capsys)
    assert again["stats"]["cases"] == 2
    assert {case.id for case in done}.isdisjoint(fetched.ids), "kept, so not fetched again"
    assert again["stats"]["satisfaction"]["rating"] == 4, "the last rating counts"
    with pytest.raises(BadInput, match="no run of 'onboarding' yet; there are runs of due-dil"):
        await show(session, "onboarding", ALL, as_json=True)
