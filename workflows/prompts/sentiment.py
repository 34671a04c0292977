"""Prompt of sentiment: several remarks in one question, each with its id."""

from collections.abc import Sequence

from workflows.data.llm import Prompt
from workflows.data.pack import PackItem
from workflows.data.sentiment import Tones
from workflows.prompts.documents import asking


def tones(items: Sequence[PackItem]) -> Prompt:
    """Ask how the writer of each remark feels."""
    return asking(
        "tones",
        "How does the writer of each item feel about us: negative, neutral or positive? Answer for"
        " every id once. Low confidence where praise and complaint stand side by side.",
        {"items": items},
        Tones,
    )
