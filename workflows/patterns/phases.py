"""Phases: outputs that people sign and that are then locked, each naming its sources by hash.

`phases = Phases({"analysis": (), "report": ("analysis",)})`; then, phase after phase, `seal` what
it came to, let people sign the hash, and `lock`. What is locked cannot change: `reopen` lets it
fall, with everything made from it, and the next `seal` is a new version.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from workflows.data.common import Record
from workflows.data.decision import Signed
from workflows.data.phases import PhaseVersion
from workflows.errors import Misuse
from workflows.patterns.checks import must_be

R = TypeVar("R", bound=Record)


class Phases:
    """Every version of the phases of one case. `plan` names each phase, in order, with those it
    is made from. Raises Misuse if one is made from a phase that does not come before it.
    """

    def __init__(self, plan: Mapping[str, Sequence[str]]) -> None:
        must_be(Mapping, plan, "phases: plan", "use a dict of phases with what they are made from")
        if not plan:
            raise Misuse("phases: the plan is empty; name at least one phase")
        before: set[str] = set()
        for phase, sources in plan.items():
            if isinstance(sources, str) or (wrong := [s for s in sources if s not in before]):
                named = sources if isinstance(sources, str) else wrong[0]
                raise Misuse(
                    f"phase {phase!r} is made from {named!r}, which is no phase before it; give a"
                    " tuple of earlier phases"
                )
            before.add(phase)
        self._plan = {phase: tuple(sources) for phase, sources in plan.items()}
        self._versions: list[PhaseVersion] = []

    @property
    def versions(self) -> tuple[PhaseVersion, ...]:
        """Every version in the order they were made, those that fell among them."""
        return tuple(self._versions)

    def due(self) -> str | None:
        """Give the first phase that is not locked; None if all are."""
        return next((p for p in self._plan if not self._is_locked(p)), None)

    def standing(self, phase: str) -> PhaseVersion | None:
        """Give the version that is sealed or locked and did not fall. Raises Misuse if unknown."""
        if phase not in self._plan:
            raise Misuse(f"there is no phase {phase!r}; there is {', '.join(self._plan)}")
        own = (v for v in self._versions if v.phase == phase and not v.fell)
        return next(own, None)

    def number(self, phase: str) -> int:
        """Give the number of the version to be made next, counted from 1."""
        return 1 + sum(v.phase == phase for v in self._versions)

    def output(self, phase: str, record: type[R]) -> R:
        """Read what a locked phase came to. Raises Misuse if it is not locked."""
        return record.model_validate_json(json.dumps(self._locked(phase).output))

    def seal(self, phase: str, output: Record) -> PhaseVersion:
        """Put an output under its hash, for people to sign. Raises Misuse if a version of the
        phase stands already, or a source of it is not locked.
        """
        if self.standing(phase) is not None:
            raise Misuse(f"phase {phase!r} is sealed and cannot change; reopen it first")
        sources = {source: self._locked(source).hash for source in self._plan[phase]}
        made = PhaseVersion.of(phase, self.number(phase), sources, output)
        self._versions.append(made)
        return made

    def lock(self, phase: str, signed: Sequence[Signed]) -> PhaseVersion:
        """Lock what was sealed, with who signed it. Raises Misuse if there is nothing to sign,
        nobody signed, or it is locked.
        """
        sealed = self.standing(phase)
        if sealed is None or sealed.signed or not signed:
            why = "nobody signed it" if sealed else "nothing of it is sealed"
            why = "it is locked already" if sealed and sealed.signed else why
            raise Misuse(f"phase {phase!r} cannot be locked: {why}; seal it and have it signed")
        return self._replace(sealed, signed=tuple(signed))

    def reopen(self, phase: str, why: str) -> tuple[PhaseVersion, ...]:
        """Let a phase fall, and all that stands and was made from it; give those versions.

        Raises Misuse without a reason, or if nothing of it stands.
        """
        if not why.strip():
            raise Misuse(f"phase {phase!r} is reopened without a reason; say why")
        if self.standing(phase) is None:
            raise Misuse(f"phase {phase!r} is reopened, but nothing of it is sealed; name another")
        falling = [phase]
        for later, sources in self._plan.items():
            if any(source in falling for source in sources):
                falling.append(later)
        found = [v for p in falling if (v := self.standing(p)) is not None]
        return tuple(self._replace(v, fell=why) for v in found)

    def _is_locked(self, phase: str) -> bool:
        standing = self.standing(phase)
        return standing is not None and bool(standing.signed)

    def _locked(self, phase: str) -> PhaseVersion:
        standing = self.standing(phase)
        if standing is None or not standing.signed:
            raise Misuse(f"phase {phase!r} is not locked, so nothing may be made from it yet")
        return standing

    def _replace(self, old: PhaseVersion, **changes: object) -> PhaseVersion:
        new = old.model_copy(update=changes)
        self._versions[self._versions.index(old)] = new
        return new
