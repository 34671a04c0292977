"""Builds: which code of the workflows a worker has, for services that keep several at once."""

from functools import cache
from hashlib import sha256

from runtime.settings import ROOT

DEPLOYMENT = "braid"
"""The name under which Temporal keeps our worker versions."""
AUTO = "auto"


@cache
def code_of_workflows() -> str:
    """Give a short hash of all code that decides in workflows: another code, another build."""
    digest = sha256()
    files = [ROOT / "deployed.py", *sorted((ROOT / "workflows").rglob("*.py"))]
    for file in files:
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def build_named(said: str) -> str:
    """Give the build a worker is started as: what was said, or (`auto`) the code's own."""
    return code_of_workflows() if said == AUTO else said
