"""Comparing names and numbers as a careful reader would."""

import re

from anyascii import anyascii
from rapidfuzz import fuzz

_LEGAL_FORMS = {
    "public limited company": "plc",
    "limited": "ltd",
    "incorporated": "inc",
    "corporation": "corp",
    "company": "co",
}


def fold(name: str) -> str:
    """Bring a name to plain lower-case words, legal forms in their short shape."""
    text = re.sub(r"[^a-z0-9]+", " ", anyascii(name).lower().replace(".", ""))
    words = f" {text.strip()} "
    for long, short in _LEGAL_FORMS.items():
        words = words.replace(f" {long} ", f" {short} ")
    return words.strip()


def similarity(first: str, second: str) -> float:
    """Compare two names whatever the order of their words; 0 to 1."""
    return float(fuzz.token_sort_ratio(fold(first), fold(second))) / 100


def number(value: str) -> str:
    """Bring an identifier to capitals and digits without leading zeros."""
    return re.sub(r"[^A-Z0-9]", "", value.upper()).lstrip("0")


def holds(text: str, value: str) -> bool:
    """Say whether a text names an identifier as a word of its own."""
    words = {number(word) for word in re.split(r"[\s;,()]+", text)}
    return bool(number(value)) and number(value) in words
