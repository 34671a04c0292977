"""Candidates: how the cases of a process might run, and how one is named on the command line."""

import re
from dataclasses import dataclass, replace

from cli.cases import Start
from cli.errors import BadInput
from cli.processes import PROCESSES, ProcessEntry, process
from workflows.calls import MAIN_QUEUE
from workflows.grades import Grade

BUILD = re.compile(r"build:([a-z0-9][a-z0-9-]{0,30})")
MEND = (
    "say the name of a process that takes the same input, `build:NAME` (workers started with"
    " --suffix NAME), `fused`, `sequential`, or some of them joined by +"
)


@dataclass(frozen=True)
class Candidate:
    """What is tried: another process, another build of the workers, another grade or order."""

    text: str
    process: str = ""
    build: str = ""
    grade: Grade | None = None
    sequential: bool = False

    def start(self, told: Start, queue: str = MAIN_QUEUE) -> Start:
        """Say how its cases are started; `queue` is that of the deployment whose build is tried."""
        queue = f"{queue}-{self.build}" if self.build else queue
        sequential = told.sequential or self.sequential
        return replace(told, queue=queue, grade=self.grade or "", sequential=sequential)

    def entry(self, baseline: ProcessEntry) -> ProcessEntry:
        """Say which process runs. Raises BadInput if it does not take the baseline's input."""
        entry = process(self.process) if self.process else baseline
        if entry.record is not baseline.record:
            raise BadInput(
                f"--candidate {self.text}: {entry.name} does not take what {baseline.name} takes,"
                " so they cannot be compared on the same cases"
            )
        return entry


def candidate(text: str) -> Candidate:
    """Read a candidate, as `build:next+fused`. Raises BadInput."""
    found = Candidate(text)
    for word in filter(None, text.split("+")):
        if build := BUILD.fullmatch(word):
            found = replace(found, build=build[1])
        elif word == Grade.FUSED:
            found = replace(found, grade=Grade.FUSED)
        elif word == "sequential":
            found = replace(found, sequential=True)
        elif any(word == e.name for e in PROCESSES):
            found = replace(found, process=word)
        else:
            raise BadInput(f"--candidate {text!r}: {word!r} is none of what can be tried; {MEND}")
    if found == Candidate(text):
        raise BadInput(f"--candidate {text!r} changes nothing; {MEND}")
    return found
