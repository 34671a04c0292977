"""What press items may say against a party: offences, how far a matter has come, and the party's
part in it. The stages are kept apart because data on crimes must be (AMLR Art. 76).
"""

from enum import StrEnum


class Offence(StrEnum):
    """FATF's designated categories of offences, and four that due diligence asks about besides."""

    ORGANISED_CRIME = "organised_crime"
    TERRORISM = "terrorism"
    TRAFFICKING_IN_PEOPLE = "trafficking_in_people"
    SEXUAL_EXPLOITATION = "sexual_exploitation"
    DRUGS = "drugs"
    ARMS = "arms"
    STOLEN_GOODS = "stolen_goods"
    CORRUPTION = "corruption"
    FRAUD = "fraud"
    COUNTERFEIT_MONEY = "counterfeit_money"
    COUNTERFEIT_GOODS = "counterfeit_goods"
    ENVIRONMENT = "environment"
    MURDER_OR_INJURY = "murder_or_injury"
    KIDNAPPING = "kidnapping"
    ROBBERY_OR_THEFT = "robbery_or_theft"
    SMUGGLING = "smuggling"
    TAX = "tax"
    EXTORTION = "extortion"
    FORGERY = "forgery"
    PIRACY = "piracy"
    MARKET_ABUSE = "market_abuse"
    LAUNDERING = "laundering"
    SANCTIONS_EVASION = "sanctions_evasion"
    CYBER = "cyber"
    REGULATORY_ACTION = "regulatory_action"
    NONE = "none"


class Stage(StrEnum):
    """How far a matter has come."""

    ALLEGATION = "allegation"
    INVESTIGATION = "investigation"
    CHARGE = "charge"
    CONVICTION = "conviction"
    ACQUITTAL = "acquittal"
    SETTLEMENT = "settlement"
    NONE = "none"


class PressRole(StrEnum):
    """A party's part in what an item tells. The first two count against it."""

    PERPETRATOR = "perpetrator"
    SUSPECT = "suspect"
    VICTIM = "victim"
    WITNESS = "witness"
    OFFICIAL = "official"
    MENTION = "mention"
