"""What is done in the phases of a submission: all of a phase at once."""

from collections.abc import Sequence

from workflows.data.llm import Prompt
from workflows.data.submission import (
    Analysed,
    Analysis,
    Bundle,
    Checked,
    ClinicalReading,
    DataSet,
    DocumentCheck,
    DocumentPlan,
    DocumentText,
    Phase,
    Review,
    SubmissionCase,
    Writing,
    Written,
)
from workflows.patterns.phases import Phases
from workflows.patterns.process import Process, R
from workflows.patterns.together import gather
from workflows.prompts import submission as prompts
from workflows.rules import submission as rules


class PhaseWork:
    """The work of each phase, from what is locked. Branches run in `process`."""

    def __init__(self, process: Process, case: SubmissionCase, phases: Phases) -> None:
        self.process, self.case, self.phases = process, case, phases
        self.notes: tuple[str, ...] = ()

    async def of(
        self, phase: Phase, notes: Sequence[str], gaps: Sequence[str]
    ) -> Analysis | Writing | Review | Bundle:
        """Do a phase. `notes` are the reasons it was opened again, `gaps` those before it."""
        self.notes = tuple(notes)
        if phase is Phase.ANALYSIS:
            return await self.analysis()
        if phase is Phase.WRITING:
            return await self.writing()
        if phase is Phase.REVIEW:
            return await self.review()
        return rules.bundle(self.case, self.phases.output(Phase.WRITING, Writing), gaps)

    async def analysis(self) -> Analysis:
        """Read all data sets at once; the figures are computed, a model says what they mean."""
        read = await gather(*(self.analysed(data) for data in self.case.data_sets))
        return Analysis(data_sets=tuple(read))

    async def analysed(self, data: DataSet) -> Analysed:
        """Read one data set; without a model's reading it is a gap."""
        figures = rules.figures(data)
        prompt = prompts.reading(data, figures, self.notes)
        found, gap = await self.said(data.name, "analyst", prompt, ClinicalReading)
        return Analysed(data_set=data.name, figures=figures, reading=found, gap=gap)

    async def writing(self) -> Writing:
        """Write all documents at once, from the locked analysis."""
        analysis = self.phases.output(Phase.ANALYSIS, Analysis)
        texts = await gather(*(self.written(plan, analysis) for plan in self.case.documents))
        return Writing(documents=tuple(texts))

    async def written(self, plan: DocumentPlan, analysis: Analysis) -> Written:
        """Write one document; without a model it is a gap."""
        prompt = prompts.document(self.case, plan, analysis, self.notes)
        said, gap = await self.said(plan.name, "drafter", prompt, DocumentText)
        text, cites = (said.text, said.cites) if said else ("", ())
        return Written(document=plan.name, title=plan.title, text=text, cites=cites, gap=gap)

    async def review(self) -> Review:
        """Check all documents at once, by rules and by a model."""
        analysis = self.phases.output(Phase.ANALYSIS, Analysis)
        documents = self.phases.output(Phase.WRITING, Writing).documents
        checked = await gather(*(self.checked(analysis, one) for one in documents))
        return Review(documents=tuple(checked))

    async def checked(self, analysis: Analysis, written: Written) -> Checked:
        """Check one document; an unwritten one stays the gap it is."""
        if written.gap:
            return Checked(document=written.document, gap=written.gap)
        prompt = prompts.check(analysis, written)
        said, gap = await self.said(written.document, "reviewer", prompt, DocumentCheck)
        found = rules.objections(self.case, analysis, written) + (said.objections if said else ())
        return Checked(document=written.document, objections=found, gap=gap)

    async def said(
        self, name: str, role: str, prompt: Prompt, record: type[R]
    ) -> tuple[R | None, str]:
        """Ask a role in a branch of its own; without an answer, give why there is none."""

        async def work() -> tuple[R | None, str]:
            return (await self.process.consult(role, prompt, record)).value, ""

        phase = self.phases.due() or ""
        branch = f"{phase}-{self.phases.number(phase)}-{name}"
        return await self.process.branch(
            branch, work, lambda why: (None, why or "no model answered")
        )
