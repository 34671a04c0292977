"""Due diligence: which checks there are, of the subject and of a party, and how one is run."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeAlias

from workflows.data.case_file import Party
from workflows.data.findings import Check, CheckResult
from workflows.rules.dd.sheet import stopped, unavailable
from workflows.steps.dd.background import background
from workflows.steps.dd.contact import contact
from workflows.steps.dd.credit import credit
from workflows.steps.dd.desk import CheckDesk
from workflows.steps.dd.dossier import dossier
from workflows.steps.dd.existence import existence
from workflows.steps.dd.geography import geography
from workflows.steps.dd.identity import identity
from workflows.steps.dd.media import media
from workflows.steps.dd.ownership import ownership
from workflows.steps.dd.pep import pep
from workflows.steps.dd.references import references
from workflows.steps.dd.sanctions import sanctions

Step: TypeAlias = Callable[[CheckDesk], Awaitable[CheckResult]]

STEPS: Mapping[Check, Step] = {
    Check.IDENTITY: identity,
    Check.EXISTENCE: existence,
    Check.OWNERSHIP: ownership,
    Check.SANCTIONS: sanctions,
    Check.PEP: pep,
    Check.MEDIA: media,
    Check.CREDIT: credit,
    Check.REFERENCES: references,
    Check.BACKGROUND: background,
    Check.GEOGRAPHY: geography,
    Check.CONTACT: contact,
    Check.DOSSIER: dossier,
}
OF_COMPANIES = (Check.SANCTIONS, Check.MEDIA, Check.BACKGROUND, Check.GEOGRAPHY)
OF_PERSONS = (Check.IDENTITY, Check.PEP, *OF_COMPANIES)
ONLY_OF_PARTIES = frozenset({Check.PEP})
LAST = Check.DOSSIER
"""Looks at what all the others came to, so it runs after them, in every round."""
ONCE = frozenset({Check.REFERENCES, LAST})
"""Checks that a further round of evidence does not repeat."""
TIPPING_OFF = "stopped: a confirmed sanctions hit, and asking on might tip the customer off"


def subject_checks() -> tuple[Check, ...]:
    """Give the checks of the subject that start at once."""
    return tuple(c for c in STEPS if c not in ONLY_OF_PARTIES and c is not LAST)


def party_checks(party: Party) -> tuple[Check, ...]:
    """Give the checks of a party besides the subject."""
    wanted = OF_PERSONS if party.kind == "Person" else OF_COMPANIES
    return tuple(c for c in wanted if c in STEPS)


async def run_check(desk: CheckDesk, check: Check, branch: str) -> CheckResult:
    """Run one check as a branch; whatever breaks it leaves a gap, never a pass."""
    party = desk.party.party_id

    def otherwise(why: str) -> CheckResult:
        stand_in = stopped if why == TIPPING_OFF else unavailable
        return stand_in(check, why, party)

    return await desk.process.branch(branch, partial(STEPS[check], desk), otherwise)
