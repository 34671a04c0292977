"""The APIs Braid speaks: for each dialect the pure functions that write and read it."""

from collections.abc import Mapping
from typing import Any

from activities.llm.frames import frames
from activities.llm.providers import interactions, ollama
from activities.llm.providers.anthropic import ANTHROPIC
from activities.llm.providers.chat import CHAT
from activities.llm.providers.common import Parse, Provider, part, text_of
from activities.llm.providers.gemini import GEMINI
from activities.llm.providers.openai import OPENAI
from workflows.data.llm import Dialect

PROVIDERS: Mapping[Dialect, Provider] = {
    Dialect.OPENAI_RESPONSES: OPENAI,
    Dialect.OPENAI_CHAT: CHAT,
    Dialect.ANTHROPIC_MESSAGES: ANTHROPIC,
    Dialect.GEMINI_GENERATE: GEMINI,
}

_PATHS: tuple[tuple[str, Parse], ...] = (
    ("/responses", OPENAI.parse),
    ("/completions", CHAT.parse),
    ("/messages", ANTHROPIC.parse),
    (":generateContent", GEMINI.parse),
    (":streamGenerateContent", GEMINI.parse),
    ("/interactions", interactions.parse),
    ("/api/chat", ollama.parse),
    ("/api/generate", ollama.parse),
)


def reader(body: bytes, path: str) -> Parse | None:
    """Find who reads a reply of unknown origin: by its shape, else by where it was asked for
    (without query). None: no answer of a model.
    """
    for frame in frames(body).items:
        if (found := _by_shape(frame.value)) is not None:
            return found
    return next((parse for end, parse in _PATHS if path.endswith(end)), None)


def _by_shape(value: Mapping[str, Any]) -> Parse | None:
    kind, made = text_of(value, "type"), text_of(value, "object")
    if made == "response" or part(value, "response") or kind.startswith("response."):
        return OPENAI.parse
    if isinstance(value.get("choices"), list):
        return CHAT.parse
    if kind in ("message", "message_start") or kind.startswith("content_block_"):
        return ANTHROPIC.parse
    if "candidates" in value or "promptFeedback" in value:
        return GEMINI.parse
    if made == "interaction" or "event_type" in value:
        return interactions.parse
    return ollama.parse if "done" in value and "model" in value else None
