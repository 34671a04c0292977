"""OpenAI, and every vendor that speaks like it: which API a request is for."""

from functools import partial

from simulator.exchange import Asked
from simulator.vendors import openai_chat, openai_responses
from simulator.vendors.openai_words import announced, failure
from simulator.vendors.vendor import Dialect, Vendor, named_model

_CHAT, _RESPONSES = "/chat/completions", "/responses"


def speaks(path: str) -> bool:
    """Say whether a path is one of a vendor that speaks like OpenAI."""
    return path.endswith((_CHAT, _RESPONSES, f"{_RESPONSES}/input_tokens"))


def compatible(name: str) -> Vendor:
    """Make a vendor of that name which speaks both of OpenAI's APIs."""
    return Vendor(name, _dialect, partial(failure, name), named_model, announced)


def _dialect(asked: Asked) -> Dialect:
    return openai_chat.DIALECT if asked.path.endswith(_CHAT) else openai_responses.DIALECT


VENDOR = compatible("openai")
