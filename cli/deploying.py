"""The group `deploy`: which build new cases start on; those under way end on the one they have."""

from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.commands import AsJson, Profile, in_session, out
from cli.errors import BadInput, Trouble
from runtime.builds import DEPLOYMENT, code_of_workflows

app = typer.Typer(help="Roll out builds of the workers: which new cases start on.")
Build = Annotated[str, typer.Argument(metavar="BUILD", help="as `worker.py --build` was given")]
DRAINAGE: dict[int, str] = {1: "draining: cases still run on it", 2: "drained: its workers may go"}


@dataclass(frozen=True)
class Rollout:
    """What becomes of each build, by its id, and where new cases go (empty: to no build)."""

    builds: dict[str, str]
    current: str
    ramping: str
    percent: float


@app.command()
def code() -> None:
    """Print the build of this checkout's workflow code, as `worker.py --build auto` names it."""
    out({"build": code_of_workflows()})


@app.command()
def status(profile: Profile = None, as_json: AsJson = False) -> None:
    """Show the builds there are, which takes new cases, and which still has cases."""

    async def work(here: Any) -> None:
        _show(await described(here.client), as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def current(build: Build, profile: Profile = None, as_json: AsJson = False) -> None:
    """Start all new cases on BUILD; `none` gives them to workers without a build.

    Before: starter.py replay --all, and at least one worker of it: worker.py --build BUILD
    """

    async def work(here: Any) -> None:
        await make_current(here.client, "" if build == "none" else build)
        _show(await described(here.client), as_json=as_json)

    in_session(work, profile=profile)


@app.command()
def ramp(
    build: Build,
    percent: Annotated[float, typer.Option(help="of new cases", min=0, max=100)] = 10,
    profile: Profile = None,
    as_json: AsJson = False,
) -> None:
    """Start some of the new cases on BUILD, the others on the current one; 0 ends it."""

    async def work(here: Any) -> None:
        await make_ramping(here.client, build, percent)
        _show(await described(here.client), as_json=as_json)

    in_session(work, profile=profile)


async def make_current(client: Client, build: str) -> None:
    """Give all new cases to a build, or to workers without one. Raises BadInput, Trouble."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=DEPLOYMENT, build_id=build
    )
    send = client.workflow_service.set_worker_deployment_current_version
    await _sent(send(request), build)


async def make_ramping(client: Client, build: str, percent: float) -> None:
    """Give some of the new cases to a build, or (0) none any more. Raises BadInput, Trouble."""
    request = SetWorkerDeploymentRampingVersionRequest(
        namespace=client.namespace,
        deployment_name=DEPLOYMENT,
        build_id=build if percent else "",
        percentage=percent,
    )
    send = client.workflow_service.set_worker_deployment_ramping_version
    await _sent(send(request), build)


async def described(client: Client) -> Rollout:
    """Give the builds and where new cases go. Raises BadInput if no worker has a build."""
    request = DescribeWorkerDeploymentRequest(
        namespace=client.namespace, deployment_name=DEPLOYMENT
    )
    try:
        told = await client.workflow_service.describe_worker_deployment(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise Trouble(error.message) from error
        raise BadInput("no worker has a build yet: start one as worker.py --build auto") from error
    info = told.worker_deployment_info
    routing = info.routing_config
    now = routing.current_deployment_version.build_id
    coming = routing.ramping_deployment_version.build_id
    takes = {now: "takes new cases", coming: "takes some new cases"}
    builds = {}
    for one in info.version_summaries:
        build = one.deployment_version.build_id
        builds[build] = takes.get(build) or DRAINAGE.get(one.drainage_status, "takes none")
    return Rollout(builds, now, coming, routing.ramping_version_percentage)


async def _sent(change: Awaitable[object], build: str) -> None:
    try:
        await change
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
            raise BadInput(
                f"build {build!r} cannot take cases: {error.message}; start a worker of it first:"
                f" worker.py --build {build}"
            ) from error
        raise Trouble(f"{build}: {error.message}") from error


def _show(found: Rollout, *, as_json: bool) -> None:
    if as_json:
        out(asdict(found))
        return
    for build, what in found.builds.items():
        typer.echo(f"{build}: {what}")
    ramped = f", {found.percent:g} % on {found.ramping}" if found.ramping else ""
    typer.echo(f"new cases start on {found.current or 'workers without a build'}{ramped}")
