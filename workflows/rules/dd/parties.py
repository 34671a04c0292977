"""Due diligence: who is who among the parties, and what a finding about one means. Pure."""

from collections.abc import Collection, Mapping, Sequence

from workflows.data.case_file import CaseFile, Party
from workflows.data.findings import SUBJECT, Check, CheckResult, Evidence, FindingCode
from workflows.rules.dd.hits import DECISIVE, counting
from workflows.rules.dd.sheet import Sheet, folded

BEYOND = "beyond-bound"
"""Stands for all parties that were not screened because there were too many."""
HALF = 50.0
"""Per cent from which the sanctions of owners reach what they own."""
SHOWN = 20
"""Names that stand in the evidence itself; the document beside it holds all."""
Key = tuple[str, str, str]


def key(kind: str, name: str, birth: str = "") -> Key:
    """Tell parties apart: by kind, folded name, and month of birth as far as it is known."""
    return kind, folded(name) or name, birth[:7]


def key_of(party: Party) -> Key:
    """Give the key of a party."""
    birth = party.birth_date.isoformat() if party.birth_date else party.birth
    return key(party.kind, party.name, birth)


def named_apart(party: Party, taken: Collection[str]) -> Party:
    """Give the party an id nobody else has: its own, or with a number behind it."""
    number, wanted = 2, party.party_id
    while wanted in taken:
        wanted = f"{party.party_id[:27]}-{number}"
        number += 1
    return party if wanted == party.party_id else party.model_copy(update={"party_id": wanted})


def without_parties(case: CaseFile) -> CaseFile:
    """Give what the screening of one party has to know of its case."""
    return case.model_copy(update={"parties": ()})


def weighed(result: CheckResult, roles: Collection[str]) -> CheckResult:
    """Weigh a confirmed hit by what the party is to the customer.

    A director's or signatory's stands. An owner's is one of a party; what they own decides further
    (`OWNED_BY_SANCTIONED`).
    """
    if not roles or DECISIVE & set(roles):
        return result
    own = FindingCode.SANCTIONED, FindingCode.SANCTIONED_PARTY
    found = tuple(
        f.model_copy(update={"code": own[1]}) if f.code is own[0] else f for f in result.findings
    )
    return result.model_copy(update={"findings": found})


def sanctioned(checks: Sequence[CheckResult]) -> dict[str, tuple[str, ...]]:
    """Give the findings that say a party is sanctioned, by party; not those people set aside."""
    found: dict[str, tuple[str, ...]] = {}
    for finding in counting(checks):
        if finding.code is FindingCode.SANCTIONED and finding.party_id != SUBJECT:
            found[finding.party_id] = (*found.get(finding.party_id, ()), finding.id)
    return found


def owned_by(
    ownership: CheckResult, hits: Mapping[str, Sequence[str]], low: float, high: float
) -> CheckResult:
    """Add what sanctioned parties own of the subject together, `low` to `high` per cent.

    `hits` gives the findings that say so, by party. From 50 on it is ownership by them (OFAC; the
    EU says more than 50, but registers' bands of that begin at 50); perhaps 50 is a gap.
    """
    if high < HALF:
        return ownership
    sheet = Sheet(Check.OWNERSHIP)
    sheet.evidence += ownership.evidence
    sheet.findings += ownership.findings
    sheet.gaps += ownership.gaps
    if low >= HALF:
        cited = tuple(i for ids in hits.values() for i in ids)
        what = f"sanctioned parties own {low:g} to {high:g} % together: {', '.join(hits)}"
        sheet.find(FindingCode.OWNED_BY_SANCTIONED, what, cited)
    else:
        who = ", ".join(hits)
        sheet.gap(f"sanctioned parties may own 50 % or more ({low:g} to {high:g} %): {who}")
    result = sheet.result(ownership.confidence, ownership.fallback)
    return result.model_copy(update={"structure": ownership.structure})


def unscreened(parties: Sequence[Party], bound: int, seen: Evidence) -> CheckResult:
    """Say that these parties lie beyond the bound. `seen` holds their names, or where they are."""
    sheet = Sheet(Check.SANCTIONS, BEYOND)
    sheet.evidence.append(seen.model_copy(update={"id": f"{sheet.prefix}-e1"}))
    sheet.gap(
        f"{len(parties)} parties were not screened, nor compared with referees, because the case"
        f" screens at most {bound}; they are named in {sheet.prefix}-e1 (raise screening.parties,"
        " or split the case)"
    )
    return sheet.result(0.5)
