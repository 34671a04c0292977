"""A submission without a server: models that answer or fail, people who sign."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.patterns.asking import Label, consulted
from tests.patterns.virtual import elapsed
from tests.support.world import example
from workflows.data.common import Decision, Record, Verdict
from workflows.data.llm import Prompt
from workflows.data.submission import (
    NEEDS,
    ClinicalReading,
    DocumentCheck,
    DocumentText,
    Phase,
    SubmissionCase,
)
from workflows.errors import reason
from workflows.patterns.consult import Consulted
from workflows.patterns.desk import Desk
from workflows.patterns.gate import GateResult, GateSpec
from workflows.rules import submission as rules
from workflows.steps.submission.signing import Signing
from workflows.steps.submission.work import PhaseWork

TABLETS = example("regulatory-submission/tablets", SubmissionCase)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@dataclass
class Office:
    """The process of a submission. `fails` says which branches (`analysis-1-lom-301`) fail and how;
    `wishes` what is said once at a gate in place of a signature.
    """

    fails: Mapping[str, Exception] = field(default_factory=dict)
    wishes: dict[str, Decision] = field(default_factory=dict)
    desk: Desk = field(default_factory=Desk)
    asked: list[tuple[float, str]] = field(default_factory=list)
    prompts: dict[str, Prompt] = field(default_factory=dict)
    gates: list[GateSpec] = field(default_factory=list)

    def __post_init__(self) -> None:
        host: Any = self
        self.signing = Signing(host, TABLETS, lambda: NOON)
        self.work = PhaseWork(host, TABLETS, self.signing.phases)

    async def branch(
        self, name: str, work: Callable[[], Awaitable[Any]], otherwise: Callable[[str], Any]
    ) -> Any:
        self.asked.append((elapsed(), name))
        try:
            if name in self.fails:
                await asyncio.sleep(1)
                raise self.fails[name]
            return await work()
        except Exception as error:
            return otherwise(reason(error))

    async def consult(self, _role: str, prompt: Prompt, record: type[Any]) -> Consulted[Any]:
        self.prompts[self.asked[-1][1]] = prompt
        await asyncio.sleep(2)
        said: Record = DocumentCheck(objections=())
        if record is ClinicalReading:
            harm = "serious infection" in prompt.user or "methotrexate" in prompt.user
            direction = "no_difference" if harm else "favours_treatment"
            told = {"direction": direction, "statement": "as the figures say"}
            said = ClinicalReading.model_validate(told)
        elif record is DocumentText:
            said = DocumentText(text="As read.", cites=tuple(d.name for d in TABLETS.data_sets))
        return Consulted(said, consulted("openai-a", Label(label="")).answer)

    async def gate(self, spec: GateSpec, _remind: object = None) -> GateResult:
        """Let each role sign; what has gaps is signed with a reason only."""
        self.gates.append(spec)
        opening = asyncio.ensure_future(self.desk.open(spec))
        await asyncio.sleep(0)
        if (wish := self.wishes.pop(spec.name, None)) is not None:
            self.desk.take(wish)
            return await opening
        while view := self.desk.views():
            bare = Decision(verdict=Verdict.APPROVE, by=view[0].may_decide[0], gate=spec.name)
            if Verdict.APPROVE in spec.reasoned:
                assert "give a comment" in str(self.desk.refuse(bare))
                bare = bare.model_copy(update={"comment": "the gap is known"})
            self.desk.take(bare)
        return await opening

    async def submit(self) -> None:
        """Do phase after phase until all are locked."""
        signing, phases = self.signing, self.signing.phases
        while (due := phases.due()) is not None:
            phase = Phase(due)
            output = await self.work.of(phase, signing.notes(phase), signing.gaps())
            decided = await signing.sign(phase, output)
            if decided.asks_more:
                signing.amend(phase, decided)
            else:
                assert signing.locked(phase, decided)

    def check(self) -> None:
        """Each version is signed by all its roles, or fell, and names its sources by hash."""
        standing = {v.phase: v for v in self.signing.phases.versions if not v.fell}
        assert list(standing) == list(Phase)
        roles = {s.name: set(map(str, s.roles)) for s in TABLETS.signers}
        for phase, one in standing.items():
            assert one.sources == {s: standing[s].hash for s in rules.PLAN[phase]}
            signed = [s.user for s in one.signed]
            assert len(set(signed)) == len(signed) == len(NEEDS[Phase(phase)])
            assert set(map(str, NEEDS[Phase(phase)])) <= set().union(*(roles[n] for n in signed))
            assert TABLETS.author not in signed
