"""Due diligence: who owns and controls the company, and what stands out in its structure. Pure."""

from collections.abc import Mapping

from workflows.data.findings import CheckResult, FindingCode
from workflows.data.ownership import Band, Flagged, Standing, Structure
from workflows.data.registers import OwnersAnswer
from workflows.rules.dd.ownership_form import SHOWN, compare_with_form
from workflows.rules.dd.ownership_walk import COMPANIES, LEVELS, Walk
from workflows.rules.ownership.structure import structure

SURE = 0.95
"""Confidence of registers read by plain rules."""
BY_PARENTS = "lei_parents"
"""Named fallback: the register was silent, only the LEI system answered."""
KEPT = 50
"""Holders of the structure that the result keeps."""


def ownership(walk: Walk) -> CheckResult:
    """Judge what the walk found. Sources that gave no answer leave gaps with what is unresolved."""
    sheet = walk.sheet
    if walk.answered is None and not walk.failed:
        sheet.gap("owners: no register or index tells of them for the identifiers of the case")
        return sheet.result(SURE)
    found = structure(walk.graph, walk.subject)
    _gaps(walk, found)
    compare_with_form(walk, found)
    if walk.answered is not None and found.holders:
        worked_out = {"source": "ownership arithmetic", "raw_sha256": "", "licence": ""}
        sheet.note(walk.answered.model_copy(update=worked_out), "structure", _told(found))
    every = tuple(e.id for e in sheet.evidence)
    for flagged in found.flags:
        sheet.find(FindingCode(flagged.flag), flagged.why, _cited(walk, flagged) or every)
    silent = any(c == walk.subject and isinstance(a, OwnersAnswer) for c, a in walk.failed)
    fallback = BY_PARENTS if silent and walk.answered else ""
    result = sheet.result(SURE, fallback, silent=walk.answered is None)
    kept = found.model_copy(update={"holders": found.holders[:KEPT]})
    return result.model_copy(update={"structure": kept})


def _gaps(walk: Walk, found: Structure) -> None:
    """Name what could not be read, with the part of the subject that stays unresolved by it."""
    stakes = {h.party: h.stake for h in found.holders if h.standing is not Standing.BELOW}
    for company, answer in walk.failed:
        walk.sheet.unanswered(answer, f"owners of {_open(walk, company, stakes)}")
    if walk.beyond:
        named = [_open(walk, c, stakes) for c in walk.beyond]
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        walk.sheet.gap(
            f"owners of {', '.join(named[:SHOWN])}{more}: beyond the bounds of the walk"
            f" ({LEVELS} levels, {COMPANIES} companies)"
        )


def _open(walk: Walk, company: str, stakes: Mapping[str, Band | None]) -> str:
    name = walk.graph.parties[company].name
    if company == walk.subject:
        return f"{name} (unresolved 100 %)"
    stake = stakes.get(company)
    return f"{name} (unresolved {stake})" if stake else name


def _cited(walk: Walk, flagged: Flagged) -> tuple[str, ...]:
    ids = [e for party in flagged.parties for e in walk.cited.get(party, ())]
    return tuple(dict.fromkeys(ids))


def _told(found: Structure) -> str:
    lines = [
        f"{h.name}: shares {h.shares or '-'}, votes {h.votes or '-'},"
        f" {', '.join([h.standing.replace('_', ' '), *h.means])}"
        for h in found.holders[:SHOWN]
    ]
    if len(found.holders) > SHOWN:
        lines.append(f"and {len(found.holders) - SHOWN} more")
    lines.append(
        f"not accounted for: {found.unknown_shares} of shares, {found.unknown_votes} of votes"
    )
    return "; ".join(lines)
