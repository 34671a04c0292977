"""Candidates: how the cases of a process might run, and how one is named on the command line."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from cli.blueprints.checking import sound
from cli.blueprints.making import others
from cli.cases import Start
from cli.errors import BadInput
from cli.processes import PROCESSES, ProcessEntry, process
from cli.shadows.recast import BLUEPRINT, case_for
from workflows.calls import MAIN_QUEUE
from workflows.data.blueprints.case import digest
from workflows.data.common import Record
from workflows.data.promotion import RunsAs
from workflows.grades import Grade

BUILD = re.compile(r"build:([a-z0-9][a-z0-9-]{0,30})")
MEND = (
    "say a blueprint's file, the name of a process that takes the same input, `build:NAME` (workers"
    " started with --suffix NAME), `fused`, `sequential`, or some of them joined by +"
)


@dataclass(frozen=True)
class Candidate:
    """What is tried: a blueprint, another process or build of the workers, grade or order."""

    text: str
    process: str = ""
    build: str = ""
    blueprint: Path | None = None
    grade: Grade | None = None
    sequential: bool = False

    def start(self, told: Start, queue: str = MAIN_QUEUE) -> Start:
        """Say how its cases are started; `queue` is that of the deployment whose build is tried."""
        queue = f"{queue}-{self.build}" if self.build else queue
        sequential = told.sequential or self.sequential
        return replace(told, queue=queue, grade=self.grade or "", sequential=sequential)

    def entry(self, baseline: ProcessEntry) -> ProcessEntry:
        """Say which process runs. Raises BadInput if it does not take the baseline's input."""
        if self.blueprint is not None:
            sound(self.blueprint)
        named = BLUEPRINT if self.blueprint is not None else self.process
        entry = process(named) if named else baseline
        if self.grade is Grade.FUSED and not (entry.core or entry.has_steps):
            raise BadInput(
                f"--candidate {self.text}: none of the work of {entry.name} stands in steps, so"
                " there is nothing to fuse"
            )
        if self.blueprint is None and entry.record is not baseline.record:
            raise BadInput(
                f"--candidate {self.text}: {entry.name} does not take what {baseline.name} takes,"
                " so they cannot be compared on the same cases"
            )
        return entry

    def given(self, given: Record) -> Record:
        """Turn a case's input into the candidate's. Raises BadInput if a field is missing."""
        return given if self.blueprint is None else case_for(self.blueprint, given)

    def digest(self) -> str:
        """Tell a blueprint's definition from another; empty for what is none. Raises BadInput."""
        return digest(sound(self.blueprint).blueprint) if self.blueprint else ""

    def runs(self, baseline: ProcessEntry) -> RunsAs:
        """Say as what new cases run; a blueprint is taken as it is now. Raises BadInput."""
        entry = self.entry(baseline)
        found = RunsAs(
            process=entry.name,
            prefix=entry.prefix,
            build=self.build,
            grade=self.grade or "",
            sequential=self.sequential,
        )
        if self.blueprint is None:
            return found
        source = sound(self.blueprint)
        return found.model_copy(update={"blueprint": source.blueprint, "others": others(source)})

    async def check_served(self, client: Client, queue: str = MAIN_QUEUE) -> None:
        """Refuse a build no worker of which is there. Raises BadInput."""
        if not self.build:
            return
        request = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=f"{queue}-{self.build}"),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        if not (await client.workflow_service.describe_task_queue(request)).pollers:
            raise BadInput(
                f"--candidate {self.text}: no worker of that build is there; start one from its"
                f" checkout: .venv/bin/python worker.py --suffix {self.build}"
            )


def candidate(text: str) -> Candidate:
    """Read a candidate, as `build:next+fused`. Raises BadInput."""
    found = Candidate(text)
    for word in filter(None, text.split("+")):
        if word.endswith((".yaml", ".yml")):
            found = replace(found, blueprint=Path(word))
        elif build := BUILD.fullmatch(word):
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
