"""What the customer is asked: when it may be, how it is waited for, what its answer changes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.patterns.virtual import DAY, elapsed, run
from tests.rules.dd_records import checks, example, result
from workflows.calls import Call, open_door
from workflows.data.common import Decision, Record, Verdict
from workflows.data.documents import Document
from workflows.data.due_diligence import Tier
from workflows.data.effects import EffectReceipt, MailOrder
from workflows.data.findings import Check, CheckOutcome, CheckResult, Disposition, FindingCode
from workflows.data.information import InformationReply
from workflows.rules.dd import routing
from workflows.rules.dd.information import ENHANCED, enhanced, informed, might_tip_off
from workflows.steps.dd.information import GIVEN_UP, NO_ANSWER, TIPPING_OFF, InformationDesk

CASE = example()
WANTED: dict[str, Any] = {
    "questions": ["What are the goods for?", "Who pays?"],
    "about": "existence",
}
MORE = Decision(verdict=Verdict.MORE, by="ana", value=WANTED)
ANSWER = InformationReply(party_id="subject", text="For our own production.")
HITS = (
    FindingCode.SANCTIONED,
    FindingCode.SANCTIONED_PARTY,
    FindingCode.POSSIBLE_SANCTIONS_MATCH,
)


class Post:
    """The customer's desk and its post."""

    def __init__(self) -> None:
        self.sent: list[MailOrder] = []
        self.days: list[float] = []
        self.desk = InformationDesk(CASE)

    async def door(self, call: Call[Any, Any], request: Record) -> Record:
        if isinstance(request, Document):
            return Document(sha256="a" * 64, size=1)
        assert isinstance(request, MailOrder)
        self.sent.append(request)
        self.days.append(elapsed() / DAY)
        return EffectReceipt(key="k", reference="r")


def living(story: Callable[[Post], Awaitable[None]]) -> None:
    async def lived() -> None:
        post = Post()
        with open_door(post.door):
            await story(post)

    run(lived())


def test_an_answer_ends_the_waiting_and_becomes_evidence_and_a_document() -> None:
    async def story(post: Post) -> None:
        asked = asyncio.ensure_future(post.desk.ask((MORE,), checks()))
        await asyncio.sleep(6 * DAY)
        assert post.desk.take(ANSWER) is None
        await asked
        assert "first answer" in (post.desk.take(ANSWER) or "")
        assert post.days == [0, 5], "asked, and reminded once"
        assert all("1. What are the goods for?\n2. Who pays?" in m.body for m in post.sent)
        assert len({m.template for m in post.sent}) == 2, "each has a key of its own"
        held = informed(checks(), await post.desk.filed())
        assert informed(held, await post.desk.filed()) == held
        told = next(c for c in held if c.check is Check.EXISTENCE)
        seen = told.evidence[-1]
        assert (seen.source, seen.sha256, seen.excerpt) == ("customer", "a" * 64, ANSWER.text)
        assert told.outcome is CheckOutcome.CLEAR
        of_party = told.model_copy(update={"party_id": "p1", "evidence": ()})
        assert informed((*checks(), of_party), await post.desk.filed())[-1] == of_party

    living(story)


def test_no_answer_is_a_gap_after_reminders_and_a_late_one_does_not_close_it() -> None:
    async def story(post: Post) -> None:
        await post.desk.ask((MORE,), checks())
        assert post.days == [0, 5, 10]
        assert elapsed() == 14 * DAY
        assert post.desk.take(ANSWER) is None, "late, but not lost"
        [seen] = post.desk.view()
        [request] = await post.desk.filed()
        assert seen == request.model_copy(update={"document": None}), "shown before it is kept"
        assert (request.note, request.reminders) == (NO_ANSWER, 2)
        told = next(c for c in informed(checks(), [request]) if c.check is Check.EXISTENCE)
        assert told.outcome is CheckOutcome.INCONCLUSIVE
        assert f"{NO_ANSWER}; it came on" in told.gaps[0].reason
        assert told.evidence[-1].excerpt == ANSWER.text
        assert routing.tier_by_rules([told]) is not Tier.LOW

    living(story)


@pytest.mark.parametrize(
    ("again", "gaps"),
    [
        (WANTED["questions"], 0),
        ([*WANTED["questions"], "And how?"], 0),
        (WANTED["questions"][:1], 1),
    ],
)
def test_the_same_questions_put_again_and_answered_close_the_gap(
    again: list[str], gaps: int
) -> None:
    async def story(post: Post) -> None:
        await post.desk.ask((MORE,), checks())
        more = MORE.model_copy(update={"value": {"questions": again, "about": "existence"}})
        asked = asyncio.ensure_future(post.desk.ask((more,), checks()))
        await asyncio.sleep(DAY)
        assert post.desk.take(ANSWER) is None
        await asked
        told = informed(checks(), await post.desk.filed())
        found = next(c for c in told if c.check is Check.EXISTENCE)
        assert len(found.gaps) == gaps
        assert (found.outcome is CheckOutcome.CLEAR) is (gaps == 0)

    living(story)


@pytest.mark.parametrize("code", HITS)
def test_nothing_is_ever_sent_when_it_might_tip_the_customer_off(code: FindingCode) -> None:
    listed = result(Check.SANCTIONS, code)

    async def story(post: Post) -> None:
        await post.desk.ask((MORE,), checks(sanctions=listed))
        assert post.sent == []
        [request] = await post.desk.filed()
        assert request.note == TIPPING_OFF

    living(story)
    false = listed.findings[0].model_copy(update={"disposition": Disposition.FALSE_POSITIVE})
    cleared = listed.model_copy(update={"findings": (false,)})
    assert might_tip_off([listed])
    assert not might_tip_off([cleared])


def test_a_hit_found_while_the_customer_is_waited_for_ends_the_reminders() -> None:
    async def story(post: Post) -> None:
        asked = asyncio.ensure_future(post.desk.ask((MORE,), checks()))
        await asyncio.sleep(DAY)
        post.desk.stop()
        await asked
        assert elapsed() == DAY
        await post.desk.ask((MORE,), checks())
        assert post.days == [0]
        assert [r.note for r in await post.desk.filed()] == [GIVEN_UP, TIPPING_OFF]

    living(story)


def test_an_answer_nobody_asked_for_or_of_somebody_else_is_refused_with_the_reason() -> None:
    async def story(post: Post) -> None:
        assert "nothing is asked" in (post.desk.take(ANSWER) or "")
        stranger = InformationReply(party_id="trade-1", text="?")
        assert "not the customer" in (post.desk.take(stranger) or "")

    living(story)


def test_more_without_questions_asks_the_customer_nothing() -> None:
    async def story(post: Post) -> None:
        plain: tuple[CheckResult, ...] = checks()
        await post.desk.ask((Decision(verdict=Verdict.MORE, by="ana"),), plain)
        assert await post.desk.filed() == ()
        assert informed(plain, ()) == plain

    living(story)


def test_the_questions_of_enhanced_due_diligence_follow_from_findings_until_answered() -> None:
    trust, loop = FindingCode.TRUST_IN_CHAIN, FindingCode.CIRCULAR_OWNERSHIP
    exposed = FindingCode.POLITICALLY_EXPOSED, FindingCode.POSSIBLE_PEP
    held = checks(ownership=result(Check.OWNERSHIP, trust, loop), pep=result(Check.PEP, *exposed))
    wanted = enhanced(held)
    assert wanted is not None
    assert wanted.about is Check.OWNERSHIP
    assert wanted.questions == (ENHANCED[trust], ENHANCED[loop], ENHANCED[exposed[0]])
    assert enhanced(checks(media=result(Check.MEDIA, FindingCode.ADVERSE_MEDIA))) is None

    async def story(post: Post) -> None:
        first = MORE.model_copy(update={"value": {"questions": wanted.questions[:2]}})
        asked = asyncio.ensure_future(post.desk.ask((first,), held))
        await asyncio.sleep(DAY)
        assert enhanced(held, await post.desk.filed()) == wanted, "not answered yet"
        post.desk.take(ANSWER)
        await asked
        left = enhanced(held, await post.desk.filed())
        assert left is not None
        assert (left.questions, left.about) == (wanted.questions[2:], Check.PEP)

    living(story)


def test_no_question_hints_at_a_list_or_a_suspicion() -> None:
    words = ("sanction", "list", "suspic", "suspect", "launder", "fraud", "report")
    assert not [q for q in ENHANCED.values() if any(word in q.lower() for word in words)]
