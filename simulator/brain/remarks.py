"""Short texts of customers whose feeling is known, and how a simulated model rates them."""

import re
from collections.abc import Iterator

from simulator.brain.documents import RemarksDocuments
from simulator.brain.papers import CROSS, GLAD
from simulator.chance import unit
from workflows.data.document_analysis import Sentiment
from workflows.data.sentiment import Tones

OPENINGS = ("My order of {n} boxes came.", "I called about invoice {n}.", "Parcel {n}, second try.")
FEELINGS = {
    Sentiment.POSITIVE: ("Thank you, I am very pleased.", "Friendly people, reliable as ever."),
    Sentiment.NEGATIVE: ("I am disappointed and want a refund.", "Half of it was damaged."),
    Sentiment.NEUTRAL: ("Please send a copy to our office.", "We moved to the second floor."),
}


def remarks(seed: int, count: int) -> Iterator[tuple[str, str, Sentiment]]:
    """Give so many remarks: id, text, and how their writer feels."""
    for number in range(count):
        feeling = list(Sentiment)[int(unit(seed, "feeling", number) * len(Sentiment))]
        opening = OPENINGS[int(unit(seed, "opening", number) * len(OPENINGS))]
        closing = FEELINGS[feeling][int(unit(seed, "closing", number) * len(FEELINGS[feeling]))]
        yield f"r{number + 1}", f"{opening.format(n=number + 10)} {closing}", feeling


def rated(documents: RemarksDocuments) -> Tones:
    """Rate each by its words; unsure where glad and cross ones stand side by side."""
    found = []
    for item in documents.items:
        glad, cross = (len(re.findall(words, item.text.lower())) for words in (GLAD, CROSS))
        feeling = Sentiment.POSITIVE if glad > cross else Sentiment.NEGATIVE
        said = Sentiment.NEUTRAL if glad == cross else feeling
        sure = 0.55 if glad and cross else 0.93
        found.append({"id": item.id, "sentiment": str(said), "confidence": sure})
    return Tones.model_validate({"items": found})
