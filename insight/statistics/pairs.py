"""Two plans on the same cases: whether one comes to the same as the other, quicker or cheaper.

Each case is its own comparison, so tests are of pairs: how often one was the lower (sign test).
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from math import comb

from insight.statistics.compare import Difference, Finding, corrected
from insight.statistics.fields import FieldDifference
from insight.statistics.figures import Unit, nearest_rank
from insight.statistics.significance import LEAST
from workflows.data.common import Record

SURE = 0.95
"""How sure the lowest share of cases that agree is."""


class Measured(Record):
    """What one plan took for a case: machine time in seconds, what it would cost in US dollars,
    how sure its result is (0 to 1). None where that is not known.
    """

    seconds: float | None = None
    usd: float | None = None
    confidence: float | None = None


class Pair(Record):
    """One case under both plans. `why` says what kept the candidate from its end; empty if nothing.

    `effects` are those the candidate would have had, `expected` those of the baseline (None: not
    known); a candidate that would act otherwise does not agree.
    """

    case: str
    candidate: str
    differences: tuple[FieldDifference, ...] = ()
    baseline: Measured = Measured()
    measured: Measured = Measured()
    paid: float = 0.0
    """US dollars paid for the comparison: replies that could not be shared."""
    effects: tuple[str, ...] = ()
    expected: tuple[str, ...] | None = None
    untold: int = 0
    """Of those the candidate would have had: what the other side would say to it nobody knows."""
    acted: int = 0
    """Effects of the candidate in the ledger: a shadow has none."""
    why: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the candidate came to the same, and would have done the same."""
        acts_alike = self.expected is None or self.expected == self.effects
        return not (self.why or self.differences or self.acted) and acts_alike


class Word(StrEnum):
    """What the comparison comes to."""

    BETTER = "better"
    NO_WORSE = "no worse"
    WORSE = "worse"
    TOO_FEW = "too few cases"


class Verdict(Record):
    """What so many cases say. `at_least` is the lowest share of all cases that agree, by `SURE`;
    `because` gives the reasons in words.
    """

    word: Word
    cases: int
    agree: int
    unfinished: int
    at_least: float
    wanted: float
    measures: tuple[Difference, ...]
    because: tuple[str, ...]


_MEASURES: tuple[tuple[str, Unit, Callable[[Measured], float | None], bool], ...] = (
    ("seconds", Unit.SECONDS, lambda m: m.seconds, False),
    ("cost", Unit.USD, lambda m: m.usd, False),
    ("confidence", Unit.SHARE, lambda m: m.confidence, True),
)
"""Name, unit, how it is read, and whether more of it is better."""


def judged(pairs: Sequence[Pair], wanted: float) -> Verdict:
    """Judge a candidate: `wanted` is the share of cases in which it must come to the same."""
    agree, count = sum(pair.agrees for pair in pairs), len(pairs)
    ended = [pair for pair in pairs if not pair.why]
    found = (_compared(ended, *m[:3]) for m in _MEASURES)
    measures = corrected([d for d in found if d is not None])
    gains, losses = _told(measures)
    if count < LEAST:
        word, why = Word.TOO_FEW, [f"{count} of at least {LEAST}"]
    elif agree < wanted * count:
        word, why = Word.WORSE, [f"{agree} of {count} agree, fewer than the {wanted:.0%} wanted"]
    elif losses:
        word, why = Word.WORSE, losses
    else:
        word, why = (Word.BETTER if gains else Word.NO_WORSE), gains
    return Verdict(
        word=word,
        cases=count,
        agree=agree,
        unfinished=count - len(ended),
        at_least=lowest_share(agree, count),
        wanted=wanted,
        measures=measures,
        because=tuple(why) or ("no evidence that time, cost or confidence differ",),
    )


def _told(measures: Sequence[Difference]) -> tuple[list[str], list[str]]:
    """Say what got better and what got worse, as far as the evidence goes."""
    more_is_better = {name: better for name, _, _, better in _MEASURES}
    gains: list[str] = []
    losses: list[str] = []
    for d in measures:
        if d.finding is Finding.DIFFERS and d.before is not None and d.after is not None:
            better = (d.after > d.before) == more_is_better[d.name]
            (gains if better else losses).append(f"{d.name} {d.before:.4g} -> {d.after:.4g}")
    return gains, losses


def _compared(
    pairs: Sequence[Pair], name: str, unit: Unit, read: Callable[[Measured], float | None]
) -> Difference | None:
    both = [(read(pair.baseline), read(pair.measured)) for pair in pairs]
    known = [(a, b) for a, b in both if a is not None and b is not None]
    if not known:
        return None
    return Difference(
        name=name,
        unit=unit,
        before=nearest_rank([a for a, _ in known], 0.5),
        after=nearest_rank([b for _, b in known], 0.5),
        n_before=len(known),
        n_after=len(known),
        p=sign_test([b - a for a, b in known]) if len(known) >= LEAST else None,
    )


def sign_test(differences: Sequence[float]) -> float:
    """Test whether pairs differ in one direction: how likely so one-sided a split is by chance.

    Exact and two-sided; pairs that are equal count for neither side.
    """
    lower = sum(d < 0 for d in differences)
    count = lower + sum(d > 0 for d in differences)
    tail = sum(comb(count, k) for k in range(min(lower, count - lower) + 1))
    return float(min(1.0, 2 * tail / 2**count))


def lowest_share(hits: int, count: int) -> float:
    """Give the lowest share that hits of so many do not speak against (Clopper and Pearson)."""
    if not hits:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        if _at_least(hits, count, share) < 1 - SURE:
            low = share
        else:
            high = share
    return low


def _at_least(hits: int, count: int, share: float) -> float:
    """Give the chance of so many hits or more."""
    ways = ((k, comb(count, k)) for k in range(hits, count + 1))
    return float(sum(n * share**k * (1 - share) ** (count - k) for k, n in ways))
