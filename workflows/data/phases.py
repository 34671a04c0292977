"""Records of phases: each version of what a phase came to, under the hash that people sign."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from workflows.data.audit import Hash, digest
from workflows.data.common import JSON, Record
from workflows.data.decision import Signed


class PhaseVersion(Record):
    """One version of a phase's output.

    `hash` is the sha256 of the canonical JSON of `phase`, `version`, `output` and `sources`: the
    hashes, by phase, of what it was made from. Neither times nor signatures are in it, so it is
    known before people sign it. `fell` says why a version stands no longer.
    """

    phase: str
    version: int
    sources: dict[str, Hash]
    output: JSON
    hash: Hash
    signed: tuple[Signed, ...] = ()
    fell: str = ""

    @classmethod
    def of(cls, phase: str, version: int, sources: Mapping[str, str], output: Record) -> Self:
        """Seal an output under its hash."""
        plain = output.model_dump(mode="json")
        told = {"phase": phase, "version": version, "sources": dict(sources), "output": plain}
        return cls.model_validate({**told, "hash": digest(told)})

    def content(self) -> dict[str, Any]:
        """Give what is hashed."""
        return self.model_dump(mode="json", include={"phase", "version", "sources", "output"})


def altered(versions: Sequence[PhaseVersion]) -> str | None:
    """Say what does not hold in the versions of a case, in the order they were made.

    None if each has the hash it names and was made from versions before it that were signed.
    """
    signed: set[tuple[str, str]] = set()
    for one in versions:
        named = f"{one.phase} version {one.version}"
        if digest(one.content()) != one.hash:
            return f"{named} does not have the hash it names"
        if strange := [p for p, told in one.sources.items() if (p, told) not in signed]:
            return f"{named} is made from a {strange[0]} that nobody signed"
        if one.signed:
            signed.add((one.phase, one.hash))
    return None
