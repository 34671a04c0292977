"""How a simulated model reads a press item: by sentences that name the party, on its own lights."""

import re

from simulator.brain.documents import ArticleDocuments
from simulator.brain.names import fold
from workflows.data.media import Offence, PressRole, Stage
from workflows.data.readings import MediaReading

_SENTENCE = re.compile(r"(?<=[^A-Z][.!?])\s+")
"""Between sentences, but not after an initial."""
_FORMS = r" (plc|ltd|inc|corp|co|gmbh|ag|sa|llc)$"

STAGES = (
    (Stage.ACQUITTAL, r"acquitt|cleared of|not guilty|freigesprochen"),
    (Stage.CONVICTION, r"convicted|sentenced|pleaded guilty|found guilty|verurteilt"),
    (Stage.SETTLEMENT, r"settlement|settled|agreed to pay"),
    (Stage.CHARGE, r"\bcharged with\b|indicted|stand trial|anklage"),
    (Stage.INVESTIGATION, r"investigat|searched the offices|raid|ermittel"),
    (Stage.ALLEGATION, r"alleg|accus|suspect"),
)
OFFENCES = (
    (Offence.SANCTIONS_EVASION, r"sanctions evasion|embargo"),
    (Offence.LAUNDERING, r"launder|geldwasch"),
    (Offence.TERRORISM, r"terroris"),
    (Offence.CORRUPTION, r"brib|corrupt|kickback|bestech"),
    (Offence.TAX, r"\bvat\b|tax evasion"),
    (Offence.MARKET_ABUSE, r"insider dealing|price fixing|cartel"),
    (Offence.CYBER, r"hack|ransomware"),
    (Offence.ENVIRONMENT, r"dumping|pollut"),
    (Offence.COUNTERFEIT_GOODS, r"counterfeit"),
    (Offence.FRAUD, r"fraud|embezzl|betrug|untreu"),
    (Offence.ROBBERY_OR_THEFT, r"robbery|theft|stole"),
)
GRAVE = {Offence.TERRORISM: 5, Offence.LAUNDERING: 4, Offence.SANCTIONS_EVASION: 4}
"""Severity of some offences; 3 of the others."""
INNOCENT = (
    (PressRole.VICTIM, r"victims? of|the victims|was hit by|at a branch of|customers of"),
    (PressRole.WITNESS, r"testif|as a witness"),
    (PressRole.MENTION, r"columnist|award|prize|obliges|statements|speech|charged overnight"),
)
_AGE = re.compile(r"(?:, |aged )(\d{2})\b")


def press(documents: ArticleDocuments) -> MediaReading:
    """Read the sentences that name the party: its part, the offence, how far it has come."""
    party, item = documents.party, documents.article
    sentences = [item.title, *_SENTENCE.split(item.text)]
    about = [s for s in sentences if _named(party.name, s) or _family(documents, s)]
    told = fold(" ".join(about))
    stage = next((stage for stage, words in STAGES if re.search(words, told)), Stage.NONE)
    offence = next((o for o, words in OFFENCES if re.search(words, told)), Offence.NONE)
    role = _role(told, stage, _core(party.name))
    quote = next((s for s in about if s != item.title), (about or [item.title])[0])
    if role is PressRole.MENTION:
        offence, stage = Offence.NONE, Stage.NONE
    return MediaReading(
        about_subject=_whose(documents, bool(about)),
        role=role,
        category=offence,
        stage=stage,
        severity=GRAVE.get(offence, 3),
        date=None,
        quote=quote,
        confidence=0.92,
    )


def _role(told: str, stage: Stage, name: str) -> PressRole:
    if re.search(rf"\b(prosecutor|judge|minister) {name}", told):
        return PressRole.OFFICIAL
    if re.search(rf"(director|employee|once) of {name}", told):
        return PressRole.MENTION
    for role, words in INNOCENT:
        if re.search(words, told):
            return role
    if "designated" in told:
        return PressRole.SUSPECT
    if stage is Stage.CONVICTION:
        return PressRole.PERPETRATOR
    return PressRole.MENTION if stage is Stage.NONE else PressRole.SUSPECT


def _whose(documents: ArticleDocuments, named: bool) -> str:
    """Say whether the item is about the party. A person's age or company tells namesakes apart."""
    party, item = documents.party, documents.article
    if not named:
        return "no"
    if party.kind != "Person":
        return "yes"
    if (age := _AGE.search(item.text)) and party.birth_date and item.published:
        years = (item.published - party.birth_date).days / 365.25
        return "yes" if abs(years - 0.5 - int(age.group(1))) <= 1.5 else "no"
    return "yes" if _named(party.company, item.text) else "unclear"


def _named(name: str, text: str) -> bool:
    core = _core(name)
    return bool(core) and f" {core} " in f" {fold(text)} "


def _core(name: str) -> str:
    return re.sub(_FORMS, "", fold(name))


def _family(documents: ArticleDocuments, text: str) -> bool:
    """Say whether a sentence names a person by initial and family name."""
    words = fold(documents.party.name).split()
    short = f" {words[0][0]} {' '.join(words[1:])} " if len(words) > 1 else ""
    return documents.party.kind == "Person" and bool(short) and short in f" {fold(text)} "
