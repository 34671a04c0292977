"""Prompts about the press: one item and one party at a time, so that readings do not mix."""

from workflows.data.llm import Prompt
from workflows.data.news import NewsItem, PressSubject
from workflows.data.readings import MediaReading
from workflows.prompts.documents import asking


def article(about: PressSubject, item: NewsItem) -> Prompt:
    """Ask what an item says about a party, with a literal quote."""
    return asking(
        "article",
        "What does this press item say about the party? about_subject: is it about this party,"
        " not somebody of the same name; compare company, age, place. role: the party's own part:"
        " perpetrator only after a conviction, suspect before; the author of a column or a"
        " prosecutor is no suspect. stage: how far the matter has come. severity: 1 petty to 5"
        " grave. quote: the sentence that shows it, copied word for word from the item.",
        {
            "party": about,
            "article": {
                "publisher": item.publisher,
                "published": item.published,
                "title": item.title,
                "text": item.text,
            },
        },
        MediaReading,
    )
