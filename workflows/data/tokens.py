"""How many tokens a text is, estimated before it is sent: high rather than low.

Vendors keep their tokenizers to themselves, so this counts by kinds of characters and aims to be
above all of them: a recorded article came out at 1.6 times what Claude 3.5 counted, tables of
numbers at 1.1 times (Claude Opus 4.8) and 1.5 times (GPT-5.6), and no recorded question without
tools came out too low (docs/patterns/context.md). Long runs of lower-case letters that form no
words can.
"""

import re

from workflows.data.llm import Prompt

FRAME = 40
"""Tokens a chat template adds to a question; Llama's, the longest seen, adds 36."""
MOST = 5
"""Characters that one token stands for at most: four letters and the space before them."""
STRUCTURED = 160
"""Tokens of hidden instructions a vendor adds to a JSON schema; Anthropic's were 120 to 140."""

_COSTS: tuple[tuple[str, str, int, int], ...] = (
    # name, what it matches, tokens, for how many characters (rounded up)
    ("word", r"[A-Z]?[a-z]+", 1, 4),
    ("capitals", r"[A-Z]+", 1, 2),
    # A digit may be a token of its own, and takes no space before it into itself as words do.
    ("number", r" ?[0-9]+", 1, 1),
    ("space", r" ", 0, 1),
    ("spaces", r" {2,}|[^\S ]", 1, 4),
    ("ascii", r"[!-/:-@\[-`{-~]", 1, 1),
    ("european", "[\u00a0-\u052f\u1e00-\u1fff]+", 1, 2),
    ("asian", "[\u3000-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+", 3, 2),
    ("typographic", "[\u2010-\u2027]", 1, 1),
    ("scripts", "[\u0530-\u1dff]+", 1, 1),
    ("other", r"[\s\S]", 3, 1),
)
_PIECE = re.compile("|".join(f"(?P<{name}>{form})" for name, form, _, _ in _COSTS))
_COST = {name: (price, size) for name, _, price, size in _COSTS}


def tokens(text: str) -> int:
    """Estimate the tokens of a text, high rather than low."""
    total = 0
    for piece in _PIECE.finditer(text):
        price, size = _COST[piece.lastgroup or "other"]
        start, end = piece.span()
        total += -(-(end - start) * price // size)
    return total


def fitting(text: str, limit: int, start: int = 0) -> int:
    """Give the place up to which `text` from `start` on takes at most `limit` tokens.

    It lies between two words or signs, unless the first alone is too long; it is at least one
    character on, and the end of the text where all of it fits.
    """
    left, end = limit, start
    for piece in _PIECE.finditer(text, start):
        price, size = _COST[piece.lastgroup or "other"]
        left -= -(-(piece.end() - piece.start()) * price // size)
        if left < 0:
            if end == start:
                return min(start + max(limit * size // price, 1), len(text)) if price else end + 1
            return end
        end = piece.end()
    return len(text)


def prompt_tokens(prompt: Prompt, schema: str = "") -> int:
    """Estimate the input tokens of a question. `schema` is the answer's JSON schema as sent."""
    asked = FRAME + tokens(prompt.system) + tokens(prompt.prefix) + tokens(prompt.user)
    return asked + (STRUCTURED + tokens(schema) if schema else 0)
