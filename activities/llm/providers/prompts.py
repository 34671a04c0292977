"""How a prompt's shared prefix is sent where the vendor finds repeated prefixes by itself."""

from hashlib import sha256

from workflows.data.llm import Prompt


def question(prompt: Prompt) -> str:
    """Give prefix and question as one text, the prefix first."""
    return f"{prompt.prefix}\n\n{prompt.user}" if prompt.prefix else prompt.user


def cache_key(prompt: Prompt) -> str:
    """Name what is shared, so that the vendor sends questions alike to where it is cached."""
    return sha256(f"{prompt.system}\0{prompt.prefix}".encode()).hexdigest()[:32]
