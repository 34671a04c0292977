"""Due diligence: Did enough referees answer, and what did they say? Pure."""

from collections.abc import Sequence

from workflows.data.findings import Check, CheckResult, Evidence, FindingCode, Strength
from workflows.data.readings import ReferenceReading
from workflows.rules.dd.sheet import Sheet


def references(
    replies: dict[str, tuple[ReferenceReading, Evidence]], needed: int, unclear: Sequence[str]
) -> CheckResult:
    """Did enough referees answer conclusively, and what did they say?"""
    sheet = Sheet(Check.REFERENCES)
    for party, (reading, evidence) in replies.items():
        number = f"{sheet.check}-e{len(sheet.evidence) + 1}"
        sheet.evidence.append(evidence.model_copy(update={"id": number}))
        if not reading.favourable:
            sheet.find(
                FindingCode.ADVERSE_REFERENCE,
                "a referee would not extend credit again",
                number,
                Strength.OPINION,
                party,
            )
    if len(replies) < needed:
        sheet.gap(f"{len(replies)} of {needed} conclusive references by the deadline")
        for why in unclear:
            sheet.gap(why)
    sure = min((r.confidence for r, _ in replies.values()), default=0.5)
    return sheet.result(sure)
