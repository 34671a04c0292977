"""Two plans on the same cases: fields within tolerances, pairs and what they come to."""

import pytest

from insight.statistics.acts import Act, acting_otherwise, untold
from insight.statistics.fields import Tolerance, differing
from insight.statistics.pairs import Measured, Pair, Word, judged, lowest_share, sign_test
from workflows.data.common import JSON


def test_fields_differ_beyond_their_tolerance_only() -> None:
    one: JSON = {"score": 0.80, "limit": "100.00", "why": "pays late", "at": "2026-11-27T14:00Z"}
    two: JSON = {"score": 0.82, "limit": "100.0", "why": "pays too late", "at": "2026-11-28T09:00Z"}
    assert [d.field for d in differing(one, two)] == ["score", "why"]
    near = (Tolerance(fields="score", share=0.05), Tolerance(fields="w*", alike=0.8))
    assert differing(one, two, near) == ()
    far = (Tolerance(fields="score", apart=0.01), Tolerance(fields="why", anything=True))
    assert [d.field for d in differing(one, two, far)] == ["score"]


def test_what_only_one_has_is_a_difference_and_what_was_paid_is_none() -> None:
    found = differing({"a": [{"b": 1}], "usd": "0.1"}, {"a": [{"b": 1}, {"b": 2}], "usd": "9"})
    assert [(d.field, d.baseline, d.candidate) for d in found] == [("a.1.b", None, 2)]
    assert differing({"yes": True}, {"yes": 1.0}) == ()  # JSON of another tool
    assert len(differing({"yes": True}, {"yes": False})) == 1


def test_orders_are_held_against_one_another_field_by_field() -> None:
    def mail(to: str, body: str = "an offer", refused: str = "") -> Act:
        said: JSON = {"template": "offer", "to": to, "body": body}
        return Act(kind="mail:offer", said=said, refused=refused)

    one, two = (
        [mail("a@x.example"), mail("b@x.example")],
        [mail("b@x.example"), mail("c@x.example")],
    )
    (found,) = acting_otherwise(one, two)
    assert (found.field, found.baseline) == ("effects.mail:offer#2.to", "a@x.example")
    assert untold(one, two) == 1
    assert acting_otherwise(one, two, (Tolerance(fields="effects.*.to", anything=True),)) == ()
    (found,) = acting_otherwise([mail("a@x.example", refused="550 unknown")], [mail("a@x.example")])
    assert (found.field, found.baseline) == ("effects.mail:offer.refused", True)
    assert acting_otherwise(one, []) == (), "kinds are counted elsewhere"


@pytest.mark.parametrize(("hits", "count", "low"), [(10, 10, 0.741), (9, 10, 0.606), (0, 5, 0.0)])
def test_the_lowest_share_is_that_of_the_tables(hits: int, count: int, low: float) -> None:
    assert lowest_share(hits, count) == pytest.approx(low, abs=0.001)


def test_the_sign_test_counts_directions() -> None:
    assert sign_test([-1.0] * 8) == pytest.approx(2 / 256)
    assert sign_test([-1.0, 1.0, 0.0]) == 1.0
    assert sign_test([]) == 1.0


def pairs(count: int, before: float = 10.0, after: float = 5.0, **more: object) -> list[Pair]:
    one, two = Measured(seconds=before, usd=0.1), Measured(seconds=after, usd=0.1)
    made = Pair(case="c", candidate="s", baseline=one, measured=two)
    return [made.model_copy(update=more)] * count


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (pairs(4), Word.TOO_FEW),
        (pairs(8), Word.BETTER),
        (pairs(8, 5.0, 5.0), Word.NO_WORSE),
        (pairs(5), Word.NO_WORSE),  # five signs alike are no evidence yet
        (pairs(8, 5.0, 10.0), Word.WORSE),
        (pairs(7) + pairs(1, why="did not end"), Word.WORSE),
        (pairs(8, effects=("mail:offer",), expected=()), Word.WORSE),
    ],
)
def test_a_verdict_needs_cases_that_agree_and_evidence(given: list[Pair], word: Word) -> None:
    verdict = judged(given, wanted=0.95)
    assert verdict.word is word, verdict
    assert verdict.because
