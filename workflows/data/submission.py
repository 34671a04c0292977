"""Records of the regulatory submission: its case file, what each phase comes to, the result."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import permutations
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from workflows.data.audit import Hash
from workflows.data.common import CaseId, PersonName, Record
from workflows.data.deciders import Keyed
from workflows.data.phases import PhaseVersion

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
LONGEST = timedelta(days=366)


class Phase(StrEnum):
    """The phases, in order."""

    ANALYSIS = "analysis"
    WRITING = "writing"
    REVIEW = "review"
    BUNDLE = "bundle"


class SignRole(StrEnum):
    """What a person may sign for."""

    BIOSTATISTICS = "biostatistics"
    MEDICAL = "medical"
    QUALITY = "quality"
    REGULATORY = "regulatory"


NEEDS: Mapping[Phase, tuple[SignRole, ...]] = {
    Phase.ANALYSIS: (SignRole.BIOSTATISTICS, SignRole.MEDICAL),
    Phase.WRITING: (SignRole.MEDICAL,),
    Phase.REVIEW: (SignRole.QUALITY,),
    Phase.BUNDLE: (SignRole.REGULATORY, SignRole.QUALITY),
}
"""Who signs each phase: one person for each role, no person twice."""


class Arm(Record):
    """One arm of a trial: patients, and how many of them reached the endpoint."""

    patients: Annotated[int, Field(ge=1)]
    events: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.events > self.patients:
            raise ValueError(
                f"events: {self.events} events in {self.patients} patients; count each once"
            )
        return self


class DataSet(Record):
    """The counts of one trial. `wanted` says whether reaching the endpoint is good."""

    name: Name
    title: Text
    endpoint: Text
    wanted: bool
    treated: Arm
    control: Arm


class DocumentPlan(Record):
    """A document the authority asks for."""

    name: Name
    title: Text


class Signer(Record):
    """A person who may sign, with the roles to do so."""

    name: PersonName
    roles: Annotated[tuple[SignRole, ...], Field(min_length=1)]


class Budget(Record):
    """What the models may cost, in US dollars."""

    budget_usd: Annotated[Decimal, Field(gt=0)] | None = None


class SubmissionCase(Keyed):
    """The case file. The author prepared it and signs nothing."""

    case: CaseId
    product: Text
    indication: Text
    authority: Text
    author: PersonName
    data_sets: Annotated[tuple[DataSet, ...], Field(min_length=1, max_length=50)]
    documents: Annotated[tuple[DocumentPlan, ...], Field(min_length=1, max_length=50)]
    signers: Annotated[tuple[Signer, ...], Field(min_length=1, max_length=12)]
    deadline: timedelta = timedelta(days=14)
    """For the people of one phase to sign it."""
    reminder: timedelta = timedelta(days=2)
    amendments: Annotated[int, Field(ge=0, le=10)] = 3
    models: Budget = Budget()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        for field in ("data_sets", "documents", "signers"):
            seen: set[str] = set()
            for place, one in enumerate(getattr(self, field)):
                if one.name in seen:
                    raise ValueError(f"{field}[{place}].name: {one.name!r} is there twice; rename")
                seen.add(one.name)
        for field in ("deadline", "reminder"):
            if not timedelta(0) < getattr(self, field) <= LONGEST:
                raise ValueError(f"{field}: write a time above nothing and at most a year, as P14D")
        return self

    def deciders(self) -> Iterable[str]:
        """Name the signers, without the author."""
        return (s.name for s in self.signers if s.name != self.author)

    @model_validator(mode="after")
    def _can_be_signed(self) -> Self:
        roles: dict[str, set[SignRole]] = {}
        for signer in self.signers:
            roles.setdefault(self.person(signer.name), set()).update(signer.roles)
        roles.pop(self.person(self.author), None)
        able = list(roles.values())
        for phase, needs in NEEDS.items():
            seats = permutations(able, len(needs))
            if not any(all(r in p for r, p in zip(needs, seat, strict=True)) for seat in seats):
                raise ValueError(
                    f"signers: nobody could sign the {phase}, which needs {' and '.join(needs)},"
                    " each by somebody else and none by the author; add people with these roles"
                )
        return self


# ---- what models answer ----------------------------------------------------------------------


class ClinicalReading(Record):
    """What a model reads in the figures of a data set."""

    direction: Literal["favours_treatment", "favours_control", "no_difference"]
    statement: str
    limitations: tuple[str, ...] = ()


class DocumentText(Record):
    """A document as a model wrote it, with the data sets it rests on, by name."""

    text: str
    cites: tuple[str, ...]


class DocumentCheck(Record):
    """What a model objects to in a document, compared with the analysis."""

    objections: tuple[str, ...]


# ---- what phases come to ---------------------------------------------------------------------


class Figures(Record):
    """Shares that reached the endpoint, their difference, and its 95 % interval (Newcombe)."""

    treated: float
    control: float
    difference: float
    low: float
    high: float


class Analysed(Record):
    """A data set: figures by code, the reading by a model. A `gap` says why there is none."""

    data_set: Name
    figures: Figures
    reading: ClinicalReading | None = None
    gap: str = ""


class Analysis(Record):
    """The phase analysis: every data set."""

    data_sets: tuple[Analysed, ...]


class Written(Record):
    """A document. A `gap` says why nothing is written."""

    document: Name
    title: Text
    text: str = ""
    cites: tuple[str, ...] = ()
    gap: str = ""


class Writing(Record):
    """The phase writing: every document."""

    documents: tuple[Written, ...]


class Checked(Record):
    """A document's objections, by rules and by a model. A `gap` says why no model checked it."""

    document: Name
    objections: tuple[str, ...] = ()
    gap: str = ""


class Review(Record):
    """The phase review: every document."""

    documents: tuple[Checked, ...]


class Entry(Record):
    """A document in the bundle: the sha256 of its text as UTF-8."""

    document: Name
    title: Text
    sha256: Hash


class Bundle(Record):
    """The phase bundle: what is handed in, and the gaps that were signed with reasons."""

    product: Text
    authority: Text
    entries: tuple[Entry, ...]
    gaps: tuple[str, ...]


# ---- messages and results --------------------------------------------------------------------


class Amendment(Record):
    """The `value` of the verdict `more`: the earliest phase to be done again, and why.

    That is the phase at whose gate it is said, or one before it; all made from it is done again.
    """

    phase: Phase
    reason: Text


class Amended(Record):
    """An amendment that was made: who wanted it, and which versions fell, as `writing 1`."""

    phase: Phase
    by: PersonName
    reason: str
    fell: tuple[str, ...]


class SubmissionOutcome(StrEnum):
    """What became of a submission."""

    READY = "ready"
    """All phases are locked; the bundle may be handed in."""
    REFUSED = "refused"
    EXPIRED = "expired"


class SubmissionSoFar(Record):
    """What is known by now: every version of every phase, in the order they were made."""

    versions: tuple[PhaseVersion, ...] = ()
    amendments: tuple[Amended, ...] = ()


class SubmissionRecord(SubmissionSoFar):
    """What a submission ended with. `audit_head` is the hash of the audit's last row before the
    one that closes it, `bundle` that of the locked bundle.
    """

    case: CaseId
    outcome: SubmissionOutcome
    bundle: Hash | None
    gaps: tuple[str, ...]
    audit_head: Hash
    cost_usd: Decimal
