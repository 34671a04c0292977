"""What a branch's failure means, branch by branch."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Policy:
    """A failure policy. Build it with the functions below."""

    kind: Literal["fail", "tolerate", "skip", "default", "fallback"]
    value: Any = None
    name: str = ""
    work: Callable[[], Awaitable[Any]] | None = None


def fail() -> Policy:
    """Fail the join at once; siblings are cancelled and awaited."""
    return Policy("fail")


def tolerate() -> Policy:
    """Keep the failure in the result and go on."""
    return Policy("tolerate")


def skip() -> Policy:
    """Treat the branch as if it had not been asked: neither success nor failure."""
    return Policy("skip")


def default(value: Any) -> Policy:
    """Put `value` in place; the branch counts as success and is marked defaulted."""
    return Policy("default", value=value)


def fallback(name: str, work: Callable[[], Awaitable[Any]]) -> Policy:
    """Do `work` instead; its name is kept in the outcome. If it fails too, the branch failed."""
    return Policy("fallback", name=name, work=work)
