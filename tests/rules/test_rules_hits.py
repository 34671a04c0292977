"""Hits: what a person may say of one, what becomes of it, and what is remembered. Virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from pydantic import ValidationError

from tests.patterns.virtual import run
from tests.rules.dd_records import checks, example, hit, query, screened
from workflows.calls import FIND_CLEARED_HIT, KEEP_CLEARED_HIT, Call, open_door
from workflows.data.case_file import Party
from workflows.data.common import Decision, Record, Verdict
from workflows.data.due_diligence import Tier
from workflows.data.effects import ChatOrder, EffectReceipt
from workflows.data.findings import CheckResult, Disposition, FindingCode
from workflows.data.hits import (
    REASONS,
    ClearedAnswer,
    ClearedHit,
    ClearedQuery,
    HitReason,
    HitReview,
    NamePart,
    ReviewedHit,
    Says,
    Worksheet,
)
from workflows.data.sources import SourceState
from workflows.errors import Misuse
from workflows.patterns.desk import Desk
from workflows.patterns.gate import GateResult, GateSpec, Remind
from workflows.rules.dd import hits as rules
from workflows.rules.dd import routing
from workflows.rules.dd.sanctions import Screened, sanctions
from workflows.steps.dd.hits import MOST, HitDesk

D = Disposition
CASE = example()
PARTIES = rules.parties_of(CASE)
EVERY = list(product(Says, Says, NamePart, Says, Says))
FOR = {"right_list": "yes", "same_type": "yes", "name_part": "all", "several_similarities": "yes"}
YES = {"worksheet": FOR | {"enough_identifiers": "yes"}}
NO = {"worksheet": YES["worksheet"] | {"several_similarities": "no"}}
TRUE: dict[str, Any] = {"disposition": "true_match", "reason": "DOB_MATCH", **YES}
FALSE: dict[str, Any] = {"disposition": "false_positive", "reason": "DOB_CONFLICT", **NO}
UNSURE: dict[str, Any] = {"disposition": "inconclusive", "reason": "NAME_ONLY", **YES}


def possible(entry: str = "ofac-1", remarks: str = "DOB 1970") -> CheckResult:
    """A sanctions check with one hit on a name alone."""
    found = hit(0.93, remarks).model_copy(update={"entry_id": entry})
    return sanctions([Screened(query(), screened(SourceState.FOUND, found))], [])


def sure() -> CheckResult:
    """A sanctions check with a hit on the company's number."""
    listed = hit(1.0, "", "01126618")
    return sanctions([Screened(query("01126618"), screened(SourceState.FOUND, listed))], [])


# ---- what a person may say ------------------------------------------------------------------


def test_a_review_its_own_worksheet_or_reason_speaks_against_is_refused() -> None:
    """Over all worksheets: a match is borne by all answers, a false positive by one at least."""
    sheets = [Worksheet(**dict(zip(Worksheet.model_fields, v, strict=True))) for v in EVERY]
    for sheet, disposition, reason in product(sheets, D, HitReason):
        given = {"disposition": disposition, "reason": reason, "worksheet": sheet}
        fits = reason in REASONS[disposition]
        fits &= disposition is not D.TRUE_MATCH or sheet.speaks_for()
        fits &= disposition is not D.FALSE_POSITIVE or sheet.against()
        try:
            HitReview.model_validate(given)
        except ValidationError:
            assert not fits, given
        else:
            assert fits, given
        assert not (sheet.speaks_for() and sheet.against())


def test_the_draft_of_the_worksheet_is_sure_of_numbers_only() -> None:
    by_name, by_number = (rules.hits_of(r, PARTIES)[0] for r in (possible(), sure()))
    assert rules.worksheet(by_name).disposition is D.INCONCLUSIVE
    assert rules.worksheet(by_number).disposition is D.TRUE_MATCH
    assert (by_name.confirmed, by_number.confirmed) == (False, True)


# ---- what becomes of it ---------------------------------------------------------------------


def test_a_hit_is_the_same_again_until_entry_party_or_liveness_changes() -> None:
    first = rules.hits_of(possible(), PARTIES)[0]
    again = rules.hits_of(possible(), PARTIES)[0]
    other_text = rules.hits_of(possible(remarks="DOB 1971"), PARTIES)[0]
    other_party = Party(party_id="p1", kind="Person", name="Unilever PLC", role="owner")
    assert first == again
    gates = {
        first.gate,
        other_text.gate,
        rules.hits_of(possible(), {"subject": other_party})[0].gate,
    }
    assert len(gates) == 3
    assert other_text.entry == first.entry
    assert other_text.entry_sha256 != first.entry_sha256


@pytest.mark.parametrize(
    ("disposition", "code", "tier", "still_open"),
    [
        (None, FindingCode.POSSIBLE_SANCTIONS_MATCH, Tier.HIGH, 1),
        (D.INCONCLUSIVE, FindingCode.POSSIBLE_SANCTIONS_MATCH, Tier.HIGH, 1),
        (D.FALSE_POSITIVE, FindingCode.POSSIBLE_SANCTIONS_MATCH, Tier.LOW, 0),
        (D.TRUE_MATCH, FindingCode.SANCTIONED, Tier.PROHIBITED, 0),
    ],
)
def test_a_disposition_decides_what_counts_and_removes_nothing(
    disposition: Disposition | None, code: FindingCode, tier: Tier, still_open: int
) -> None:
    raw = possible()
    found = rules.hits_of(raw, PARTIES)
    review = ReviewedHit(
        gate=found[0].gate,
        finding=found[0].finding.id,
        code=found[0].finding.code,
        party_id="subject",
        entry=found[0].entry,
        disposition=disposition,
        by=("ana",),
        at=raw.evidence[0].retrieved_at,
    )
    judged = rules.judged(raw, {review.gate: review}, found)
    assert [(f.code, f.disposition) for f in judged.findings] == [(code, disposition)]
    held = checks(sanctions=judged)
    assert routing.tier_by_rules(held) is tier
    assert rules.open_hits(held) == still_open
    assert not rules.hits_of(judged, PARTIES) or disposition is None
    assert any(str(code) in reason for reason in routing.reasons(held, (), False))


# ---- the desk -------------------------------------------------------------------------------


class Room:
    """A hit desk with its gates, a memory and a chat channel."""

    def __init__(self) -> None:
        self.gates, self.stopped = Desk(), 0
        self.told: list[str] = []
        self.memory: dict[str, ClearedHit] = {}
        self.hits = HitDesk(CASE, "dd-case-1", self.gates.open, self.stop)

    def stop(self) -> None:
        self.stopped += 1

    async def door(self, call: Call[Any, Any], request: Record) -> Record:
        if isinstance(request, ClearedQuery):
            assert call is FIND_CLEARED_HIT
            return ClearedAnswer(cleared=self.memory.get(request.entry_sha256))
        if isinstance(request, ClearedHit):
            assert call is KEEP_CLEARED_HIT
            self.memory[request.entry_sha256] = request
            return request
        assert isinstance(request, ChatOrder)
        self.told.append(request.text)
        return EffectReceipt(key="k", reference="r")

    async def broken(self, spec: GateSpec, remind: Remind) -> GateResult:
        raise Misuse(f"{spec.name} cannot be opened")

    async def look(self, result: CheckResult) -> str:
        """Let the desk look at a check, and give the gate it opened."""
        self.hits.look(result)
        await asyncio.sleep(1)
        return next(iter(self.gates.names()), "")

    async def says(self, gate: str, by: str, value: dict[str, Any]) -> None:
        said = Decision(verdict=Verdict.SUPPLY, by=by, gate=gate, value=value)
        why = self.gates.refuse(said)
        assert why is None, why
        self.gates.take(said)
        await asyncio.sleep(1)


def living(story: Callable[[Room], Awaitable[None]]) -> None:
    """Live through a story of days at a hit desk, on virtual time."""

    async def lived() -> None:
        room = Room()
        with open_door(room.door):
            await story(room)

    run(lived())


def test_a_false_positive_takes_one_person_and_is_remembered() -> None:
    async def story(room: Room) -> None:
        gate = await room.look(possible())
        await room.says(gate, "ana", FALSE)
        await room.hits.settled()
        assert room.hits.judged([possible()])[0].findings[0].disposition is D.FALSE_POSITIVE
        [kept] = room.memory.values()
        assert (kept.by, kept.case, kept.reason) == ("ana", "dd-case-1", HitReason.DOB_CONFLICT)
        assert kept.expires - kept.at == timedelta(days=365)
        later = Room()
        later.memory = room.memory
        with open_door(later.door):
            assert await later.look(possible()) == "", "nobody is asked again"
            await later.hits.settled()
            assert await later.look(possible(remarks="changed")) != "", "the entry has changed"
        [seen] = later.hits.reviewed.values()
        assert "dd-case-1" in seen.note
        assert room.stopped == later.stopped == 0

    living(story)


def test_a_true_match_takes_two_different_people_and_stops_outreach() -> None:
    async def story(room: Room) -> None:
        gate = await room.look(possible())
        await room.says(gate, "ana", TRUE)
        assert room.stopped == 0, "one person is not enough"
        second = f"{gate}-second"
        for by in ("ana", CASE.author):
            said = Decision(verdict=Verdict.SUPPLY, by=by, gate=second, value=TRUE)
            assert "four eyes" in (room.gates.refuse(said) or "")
        await room.says(second, "bo", TRUE)
        await room.hits.settled()
        [seen] = room.hits.reviewed.values()
        assert (seen.disposition, seen.by, room.stopped) == (D.TRUE_MATCH, ("ana", "bo"), 1)
        assert room.memory == {}

    living(story)


@pytest.mark.parametrize(
    ("first", "second", "disposition"),
    [
        (TRUE, FALSE, D.INCONCLUSIVE),
        (TRUE, UNSURE, D.INCONCLUSIVE),
        (TRUE, None, None),
        (UNSURE, None, D.INCONCLUSIVE),
        (None, None, None),
    ],
    ids=["differ", "second unsure", "nobody seconds", "unsure", "nobody"],
)
def test_what_people_do_not_agree_on_in_time_stays_open(
    first: dict[str, Any] | None, second: dict[str, Any] | None, disposition: Disposition | None
) -> None:
    async def story(room: Room) -> None:
        gate = await room.look(possible())
        if first:
            await room.says(gate, "ana", first)
        if second:
            await room.says(f"{gate}-second", "bo", second)
        await room.hits.settled()
        [seen] = room.hits.reviewed.values()
        assert seen.disposition is disposition
        held = checks(sanctions=room.hits.judged([possible()])[0])
        assert rules.open_hits(held) == 1
        assert routing.tier_by_rules(held) is Tier.HIGH
        assert (room.stopped, room.memory) == (0, {})
        assert len(room.told) >= 2 * (disposition is None), "reminded of on two days"

    living(story)


def test_nothing_waits_for_a_hit_the_rules_are_sure_of_but_two_people_may_unmake_it() -> None:
    async def story(room: Room) -> None:
        gate = await room.look(sure())
        await room.hits.settled()
        assert room.gates.names() == (gate,)
        await room.says(gate, "ana", FALSE)
        assert room.hits.reviewed == {}
        await room.says(f"{gate}-second", "bo", FALSE)
        [found] = room.hits.judged([sure()])[0].findings
        assert found.disposition is D.FALSE_POSITIVE

    living(story)


def test_once_the_subject_is_listed_beyond_doubt_no_other_hit_is_waited_for() -> None:
    async def story(room: Room) -> None:
        first = await room.look(possible())
        waiting = asyncio.ensure_future(room.hits.settled())
        await asyncio.sleep(1)
        assert not waiting.done()
        room.hits.look(sure())
        await waiting
        assert first in room.gates.names()

    living(story)


def test_what_goes_wrong_while_people_are_asked_leaves_the_hit_open() -> None:
    async def story(room: Room) -> None:
        room.hits._open = room.broken
        await room.look(possible())
        await room.hits.settled()
        [seen] = room.hits.reviewed.values()
        assert (seen.disposition, "nobody could be asked" in seen.note) == (None, True)

    living(story)


def test_a_hit_nobody_looked_at_before_the_decision_is_in_the_record() -> None:
    async def story(room: Room) -> None:
        await room.look(sure())
        [seen] = room.hits.close()
        assert seen.disposition is None
        assert "before anybody" in seen.note
        await asyncio.sleep(1)
        assert room.gates.names() == ()

    living(story)


def test_the_same_hit_is_asked_about_once_and_very_many_are_bounded() -> None:
    async def story(room: Room) -> None:
        await room.look(possible())
        await room.look(possible())
        assert len(room.gates.names()) == 1
        for number in range(MOST + 5):
            room.hits.look(possible(f"ofac-{number + 2}"))
        await asyncio.sleep(1)
        assert len(room.gates.names()) == MOST
        await room.hits.settled()
        assert len(room.hits.reviewed) == MOST + 6, "none is lost"
        assert sum("more than" in r.note for r in room.hits.reviewed.values()) == 6

    living(story)
