"""Rules of the regulatory submission: figures, objections, gaps, and who signs. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from math import sqrt
from types import MappingProxyType

from workflows.data.common import Verdict
from workflows.data.phases import PhaseVersion
from workflows.data.submission import (
    NEEDS,
    Amendment,
    Analysed,
    Analysis,
    Arm,
    Bundle,
    Checked,
    DataSet,
    Entry,
    Figures,
    Phase,
    Review,
    SubmissionCase,
    Writing,
    Written,
)
from workflows.patterns.gate import GateSpec

PLAN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        Phase.ANALYSIS: (),
        Phase.WRITING: (Phase.ANALYSIS,),
        Phase.REVIEW: (Phase.ANALYSIS, Phase.WRITING),
        Phase.BUNDLE: (Phase.WRITING, Phase.REVIEW),
    }
)
"""The phases, and what each is made from."""
Z = 1.959964
"""Standard deviations of a 95 % interval."""


def figures(data: DataSet) -> Figures:
    """Compare the arms: difference of shares, with Newcombe's interval (his method 10)."""
    p, q = _share(data.treated), _share(data.control)
    (p_low, p_high), (q_low, q_high) = _wilson(data.treated), _wilson(data.control)
    return Figures(
        treated=round(p, 4),
        control=round(q, 4),
        difference=round(p - q, 4),
        low=round(p - q - sqrt((p - p_low) ** 2 + (q_high - q) ** 2), 4),
        high=round(p - q + sqrt((p_high - p) ** 2 + (q - q_low) ** 2), 4),
    )


def direction(data: DataSet, found: Figures) -> str:
    """Say whom the figures favour; nobody, where the interval holds zero."""
    if found.low <= 0 <= found.high:
        return "no_difference"
    return "favours_treatment" if (found.low > 0) is data.wanted else "favours_control"


def objections(case: SubmissionCase, analysis: Analysis, written: Written) -> tuple[str, ...]:
    """Say what is wrong with a document by what it cites."""
    known = {a.data_set: a for a in analysis.data_sets}
    found = [f"cites {c}, which is no data set" for c in written.cites if c not in known]
    cited = [known[c] for c in written.cites if c in known]
    found += [f"cites {a.data_set}, which was not read: {a.gap}" for a in cited if a.gap]
    if written.text and not cited:
        found.append("rests on no data set")
    of = {d.name: d for d in case.data_sets}
    for one in cited:
        said = one.reading and one.reading.direction
        if said and said != (shown := direction(of[one.data_set], one.figures)):
            found.append(f"rests on {one.data_set}, read as {said}; its figures say {shown}")
    return tuple(found)


def bundle(case: SubmissionCase, writing: Writing, gaps: Sequence[str]) -> Bundle:
    """List what is handed in."""
    entries = (
        Entry(document=w.document, title=w.title, sha256=sha256(w.text.encode()).hexdigest())
        for w in writing.documents
        if w.text
    )
    return Bundle(
        product=case.product, authority=case.authority, entries=tuple(entries), gaps=tuple(gaps)
    )


def gaps(output: Analysis | Writing | Review | Bundle) -> tuple[str, ...]:
    """Give what is missing from a phase or objected to in it: it needs a reason to be signed."""
    if isinstance(output, Bundle):
        return output.gaps
    return tuple(_gaps(output))


def sign_off(
    case: SubmissionCase, version: PhaseVersion, missing: Sequence[str], left: int
) -> GateSpec:
    """Ask the people of a phase to sign its hash, or to send it back while amendments are left."""
    phase = Phase(version.phase)
    told = f" Gaps, to be signed with a reason only: {'; '.join(missing)}." if missing else ""
    more = Verdict.MORE
    used_up = f"the {case.amendments} amendments of this case are used up; approve or decline"
    return GateSpec(
        name=gate_of(version),
        question=f"Sign the {phase}, version {version.version}, sha256 {version.hash}?{told}",
        proposal=str(Verdict.APPROVE),
        people={s.name: frozenset(map(str, s.roles)) for s in case.signers},
        needs=tuple(map(str, NEEDS[phase])),
        deadline=case.deadline,
        remind_every=case.reminder,
        excluded=frozenset({case.author}),
        verdicts=(Verdict.APPROVE, Verdict.DECLINE, more),
        barred={} if left else {more: used_up},
        asks=Amendment,
        misfit=partial(too_late_a_phase, phase),
        reasoned=frozenset({Verdict.APPROVE} if missing else ()) | {Verdict.DECLINE},
    )


def too_late_a_phase(at: Phase, wish: Amendment) -> str | None:
    """Say why this cannot be opened again at the gate of phase `at`; None if it can."""
    order = list(Phase)
    if order.index(wish.phase) <= order.index(at):
        return None
    able = ", ".join(order[: order.index(at) + 1])
    return (
        f"phase: {wish.phase} comes after {at}, which waits here to be signed, so there is nothing"
        f" of it to do again; name one of: {able}"
    )


def gate_of(version: PhaseVersion) -> str:
    """Name the gate at which a version is signed."""
    return f"sign-{version.phase}-{version.version}"


def _gaps(output: Analysis | Writing | Review) -> Iterator[str]:
    lines: tuple[Analysed | Written | Checked, ...]
    lines = output.data_sets if isinstance(output, Analysis) else output.documents
    for one in lines:
        name = one.data_set if isinstance(one, Analysed) else one.document
        if one.gap:
            yield f"{name}: {one.gap}"
        for objection in one.objections if isinstance(one, Checked) else ():
            yield f"{name}: {objection}"


def _share(arm: Arm) -> float:
    return arm.events / arm.patients


def _wilson(arm: Arm) -> tuple[float, float]:
    n, p = arm.patients, _share(arm)
    middle, width = p + Z * Z / (2 * n), Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return (middle - width) / (1 + Z * Z / n), (middle + width) / (1 + Z * Z / n)
