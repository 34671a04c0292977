"""`starter.py blueprint run`: a case of a blueprint, as written or by the choices of a plan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands import AsJson, Live, Profile, Sequential, Speed, in_session, settings_for
from cli.planning import Budget, Deadline, Durations, Optimise, Quality

if TYPE_CHECKING:
    from cli.plans.optimising import Wished
    from runtime.settings import Settings
    from workflows.data.blueprints.case import BlueprintCase

File = Annotated[Path, typer.Argument(metavar="FILE.yaml", help="see blueprints/")]
Given = Annotated[
    list[str] | None,
    typer.Option("--input", help="FIELD=VALUE, or a YAML file of fields; repeatable"),
]
CaseName = Annotated[str, typer.Option(help="name of the case; the blueprint's if left out")]
WorkflowId = Annotated[str | None, typer.Option("--id", help="workflow id to use")]
Detach = Annotated[bool, typer.Option(help="return once the case has started")]


def run(
    file: File,
    given: Given = None,
    case: CaseName = "",
    workflow_id: WorkflowId = None,
    optimise: Optimise = "",
    deadline: Deadline = "",
    budget: Budget = None,
    quality: Quality = None,
    durations: Durations = "given",
    sequential: Sequential = False,
    detach: Detach = False,
    speed: Speed = 4.0,
    profile: Profile = None,
    live: Live = False,
    as_json: AsJson = False,
) -> None:
    """Check a blueprint, start a case of it and show it to its end. Ctrl-C detaches.

    As: starter.py blueprint run blueprints/quiz.yaml --input topic="heat pumps"
    The definition travels with the case: changing the file changes no running case. With --optimise
    the case runs by a plan's choices (docs/optimiser.md).
    """
    from cli.blueprints.checking import case_of
    from cli.plans.optimising import Wished

    begun = case_of(file, given or [], case)  # before anything is started
    wanted = Wished(optimise, deadline, budget, quality)
    begun = _by_choices(begun, wanted, durations, live=live, quiet=as_json)

    async def work(here: Any) -> None:
        from cli import cases
        from cli.processes import process
        from cli.running import run_case

        options = cases.Start(workflow_id, (), sequential)
        case = await _at_last_pace(begun, here.settings)
        await run_case(here, process("blueprint"), case, options, detach=detach, as_json=as_json)

    in_session(work, profile=profile, live=live, speed=speed)


def _by_choices(
    case: "BlueprintCase", wanted: "Wished", durations: str, *, live: bool, quiet: bool
) -> "BlueprintCase":
    """Give the case the choices it should run by, and show them. Raises BadInput."""
    from rich.console import Console

    from cli.errors import BadInput
    from cli.plans.deciding import decided_on
    from cli.plans.optimising import shown

    if not wanted.objective:
        if wanted != type(wanted)("") or durations != "given":
            told = "--deadline, --budget, --quality and --durations"
            raise BadInput(f"{told} are of --optimise; say fastest, cheapest or best")
        return case
    made = decided_on(case.blueprint, wanted, durations, settings_for(live=live))
    if not quiet:
        Console(stderr=True).print(shown(made))
    return case.model_copy(update={"choices": made})


async def _at_last_pace(case: "BlueprintCase", settings: "Settings") -> "BlueprintCase":
    """Let a case by choices begin with the pace of the last one; the store is there by now."""
    from cli.plans.deciding import at_last_pace

    if case.choices is None:
        return case
    made = await at_last_pace(case.choices, case.blueprint.name, settings)
    return case.model_copy(update={"choices": made})
