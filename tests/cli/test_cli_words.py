"""Results of processes as people read them: what matters is there, and in its place."""

from cli import show
from tests.cli.test_cli_show import WIDTHS, words
from workflows.data.content_generation import ContentGenerated, Objection, Piece
from workflows.data.content_production import (
    ContentBrief,
    ContentDraft,
    ContentLayout,
    ContentOutcome,
    ContentOutline,
    ContentPiece,
    ContentSoFar,
    Figure,
    FigurePlan,
    OutlineSection,
    Placement,
    Revision,
    Section,
    SourcedFact,
)
from workflows.data.decision import Signed
from workflows.data.document_analysis import Sentiment
from workflows.data.orders import OrderOutcome, OrderResult
from workflows.data.phases import PhaseVersion
from workflows.data.proposal import ProposalAction, ProposalResult
from workflows.data.sentiment import RemarkTone, SentimentResult
from workflows.data.submission import (
    Amended,
    Analysis,
    Phase,
    SubmissionRecord,
    SubmissionSoFar,
    Writing,
)
from workflows.data.support import SupportResult

WIDTH = 80
DRAFT = ContentDraft(
    title="Heat [bold]pumps[/bold]",
    sections=(
        Section(heading="Cost", text="Less.\nMuch \x1b[2Jless."),
        Section(heading="B", text="b"),
    ),
)
FIGURES = tuple(
    Figure(name=name, shows=f"of {name}", caption=f"the {name}") for name in ("f1", "f2")
)


def a_piece(**changes: object) -> ContentPiece:
    plain = {
        "case": "c",
        "outcome": ContentOutcome.NEEDS_EDITOR,
        "draft": DRAFT,
        "layout": ContentLayout(
            standfirst="In short.", placements=(Placement(figure="f1", heading="Cost"),)
        ),
        "figures": FIGURES,
        "facts": (SourcedFact(text="It is so.", cites=("trial", "survey")),),
        "objections": ("Much is not borne out.",),
        "revision": Revision(began_with=("order",), ended_with=(), changed=("f1",)),
        "gaps": ("research: no answer",),
        "cost_usd": "0.0069",
    }
    return ContentPiece.model_validate(plain | changes)


@WIDTHS
def test_a_piece_is_read_as_laid_out_with_what_is_wrong_with_it(width: int) -> None:
    """No text of a model steers the terminal or is taken for markup."""
    text = words(show.result(a_piece()), width)
    places = [
        text.index(said)
        for said in (
            "c: needs editor",
            "Heat [bold]pumps[/bold]",
            "In short.",
            "Cost Less. Much ?[2Jless.",
            "[f1] the f1 (of f1)",
            "B b",
            "[f2] the f2 (of f2)",  # placed nowhere
            "It is so. [trial, survey]",
            "Much is not borne out.",
            "research: no answer",
            "figures begun with order; with the text: changed f1",
            "0.0069 US$; editors' channel: not told, or nobody can tell",
        )
    ]
    assert places == sorted(places)


def test_without_a_draft_the_facts_and_gaps_are_told() -> None:
    none = a_piece(outcome="not_written", draft=None, layout=None, revision=None, announced=True)
    text = words(show.result(none), WIDTH)
    assert "c: not written facts - It is so." in text
    assert "channel: told" in text


def test_a_piece_under_way_shows_what_it_will_be_and_then_its_text() -> None:
    brief = ContentBrief(aim="help", tone="plain", points=())
    outline = ContentOutline(sections=(OutlineSection(heading="Cost", covers="prices"),))
    figures = FigurePlan(figures=FIGURES[:1])
    known = ContentSoFar(brief=brief, outline=outline, figures=figures, gaps=("facts: none",))
    assert (
        words(show.so_far(known) or "", WIDTH)
        == "aim: help outline - Cost: prices figures - f1: of f1 gaps - facts: none"
    )
    written = words(show.so_far(known.model_copy(update={"draft": DRAFT})) or "", WIDTH)
    assert "outline" not in written
    assert "Cost Less." in written
    assert words(show.so_far(ContentSoFar()) or "", WIDTH) == "nothing yet"


@WIDTHS
def test_generated_pieces_say_what_was_sent_back_and_what_is_left(width: int) -> None:
    wrong = Objection(piece="post", quote="12,000", why="no fact says so")
    pieces = (
        Piece(name="thread", state="as_drafted", parts=("One.", "Two."), hashtags=("hull",)),
        Piece(
            name="post", state="revised", parts=("12,480",), objections=(wrong,), breaches=("long",)
        ),
        Piece(name="caption", state="failed", why="no usable answer"),
    )
    other = wrong.model_copy(update={"quote": "soon"})
    given = ContentGenerated(case="c", pieces=pieces, unsettled=(other,), edit_by="code")
    text = words(show.result(given), width)
    for said in (
        "thread as drafted One. Two. #hull",
        "post revised 12,480 breaks its limits - long sent back - '12,000': no fact says so",
        "caption failed no usable answer",
        "still objected to - post, 'soon': no fact says so",
        "read side by side by code: no model answered; 0 model calls",
    ):
        assert said in text
    assert words(show.so_far(given) or "", width) == text


def test_of_many_remarks_the_least_sure_are_listed() -> None:
    tones = [
        RemarkTone(id=f"r{n}", sentiment=Sentiment.NEUTRAL, confidence=n / 100)
        for n in range(1, 31)
    ]
    lost = RemarkTone(id="r99", sentiment=None, why="the budget is spent")
    found = SentimentResult(
        case="week", totals={"neutral": 30}, unanswered=1, tones=(*reversed(tones), lost)
    )
    text = words(show.result(found), WIDTH)
    assert "week: 31 remarks: 30 neutral, 1 unanswered" in text
    assert "r99 unanswered the budget is spent r1 neutral 0.01 packed r2" in text
    assert "r19 neutral" in text
    assert "r20" not in text
    assert "and 11 more" in text


def test_an_order_says_what_was_sent_paid_or_undone_and_by_whom() -> None:
    plain = {"case": "o", "currency": "EUR"}
    sent = {
        "outcome": OrderOutcome.FULFILLED,
        "parcels": [{"warehouse": "lyon", "skus": ["lamp", "rug"], "label": "N-1"}],
        "paid": "12.50",
        "released": ["gdansk"],
        "told": "fulfilled",
    }
    assert (
        words(show.result(OrderResult.model_validate(plain | sent)), WIDTH)
        == "o: fulfilled parcel lamp, rug from lyon, label N-1 paid 12.50 EUR"
        " not needed gdansk (released) customer told: fulfilled"
    )
    failed = {"outcome": "out_of_stock", "why": "no warehouse has it", "undone": ["payment"]}
    by_hand = {"by_hand": ["label 1: ines"]}
    assert (
        words(show.result(OrderResult.model_validate(plain | failed | by_hand)), WIDTH)
        == "o: out of stock paid nothing why no warehouse has it undone payment"
        " by hand label 1: ines customer not told yet"
    )


@WIDTHS
def test_a_proposal_says_who_reviewed_it_what_was_done_and_what_was_sent(width: int) -> None:
    change = {"verdict": "change", "remarks": ["name [b]the[/b] penalty"], "confidence": 0.9}
    sent = ProposalResult.model_validate(
        {
            "case": "fleet",
            "outcome": "sent",
            "path": "full",
            "reviews": {"business": change},
            "draft": {"title": "Our offer", "text": "Dear \x1b[2Jyou.\nAll of it."},
            "score": 1.0,
            "rounds": 2,
            "stopped": "quality",
            "cleared": ["compliance: mira"],
            "plan": list(ProposalAction),
            "done": list(ProposalAction)[:-1],
            "verified": list(ProposalAction)[1:2],
            "told": "mail",
            "gaps": ["no compliance review: down"],
        }
    )
    text = words(show.result(sent), width)
    for said in (
        "fleet: sent path full business review change; name [b]the[/b] penalty",
        "cleared by compliance: mira drafts 2, the best scored 1.00; ended by quality done record",
        "not done tell sales read back open account customer told by mail",
        "gaps - no compliance review: down",
        "Our offer",
        "Dear ?[2Jyou. All of it.",
    ):
        assert said in text
    assert "not sent" not in text
    failed = sent.model_copy(update={"outcome": "failed", "why": "it is down", "undone": ("a_b",)})
    text = words(show.result(failed), WIDTH)
    assert "why it is down" in text
    assert "undone a b" in text
    assert "Our offer (not sent)" in text
    begun = words(show.so_far(ProposalResult(case="fleet")) or "", WIDTH)
    assert begun == "fleet: under way path not chosen yet"


@WIDTHS
def test_a_support_request_says_who_answered_from_what_and_who_tried(width: int) -> None:
    given = {
        "case": "printer",
        "outcome": "answered",
        "type": "fault",
        "risk": "low",
        "tier": "premium",
        "path": "specialist",
        "answer": "Restart it.\x07",
        "cites": ["restart-agent"],
        "by": "specialist",
        "attempts": [{"by": "knowledge", "state": "failed", "why": "is [red]down"}],
        "due": "2026-11-27T17:50:59Z",
        "told": "mail",
        "in_time": True,
        "gaps": ["type by words: down"],
    }
    text = words(show.result(SupportResult.model_validate(given)), width)
    for said in (
        "printer: answered about fault, low risk, premium; specialist first",
        "tried knowledge failed (is [red]down) by specialist from restart-agent",
        "due 2026-11-27 17:50 UTC, told in time customer told by mail",
        "gaps - type by words: down",
        "Restart it.?",
    ):
        assert said in text
    late = SupportResult.model_validate(given | {"in_time": False})
    assert "told too late" in words(show.result(late), WIDTH)
    assert words(show.so_far(SupportResult(case="p")) or "", WIDTH) == "p: under way"


def test_a_submission_says_who_signed_which_hash_and_what_fell_and_why() -> None:
    said = {"roles": [], "gate": "g", "verdict": "approve", "at": "2026-11-27T12:00:00Z"}
    signed = Signed.model_validate({**said, "user": "yuki", "comment": "no [/b] matter"})
    first = PhaseVersion.of("analysis", 1, {}, Analysis(data_sets=()))
    second = PhaseVersion.of("analysis", 2, {}, Analysis(data_sets=()))
    third = PhaseVersion.of("writing", 1, {"analysis": second.hash}, Writing(documents=()))
    amended = Amended(phase=Phase.ANALYSIS, by="yuki", reason="recount", fell=("analysis 1",))
    known = SubmissionSoFar(
        versions=(
            first.model_copy(update={"fell": "recount"}),
            second.model_copy(update={"signed": (signed,)}),
            third,
        ),
        amendments=(amended,),
    )
    told = words(show.so_far(known) or "", 120)
    for line in (
        f"analysis 1 {first.hash[:12]} fell: recount",
        f"analysis 2 {second.hash[:12]} locked, signed by yuki: no [/b] matter",
        f"writing 1 {third.hash[:12]} analysis {second.hash[:12]} to be signed",
        "analysis opened again by yuki: recount (fell: analysis 1)",
    ):
        assert line in told
    plain = {"case": "c", "outcome": "refused", "bundle": None, "audit_head": "0" * 64}
    rest = {**known.model_dump(), **plain, "gaps": ["lom-1: \x1bno"], "cost_usd": "0.5"}
    told = words(show.result(SubmissionRecord.model_validate(rest)), 120)
    assert told.startswith("c refused bundle not locked cost $0.5 phase")
    assert told.endswith("gap lom-1: ?no")
