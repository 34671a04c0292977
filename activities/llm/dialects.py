"""The APIs Braid speaks: for each dialect the pure functions that write and read it."""

from collections.abc import Mapping

from activities.llm.providers.anthropic import ANTHROPIC
from activities.llm.providers.common import Provider
from activities.llm.providers.gemini import GEMINI
from activities.llm.providers.openai import OPENAI
from workflows.data.llm import Dialect

PROVIDERS: Mapping[Dialect, Provider] = {
    Dialect.OPENAI_RESPONSES: OPENAI,
    Dialect.ANTHROPIC_MESSAGES: ANTHROPIC,
    Dialect.GEMINI_GENERATE: GEMINI,
}
