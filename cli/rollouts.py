"""Builds of the workers as Temporal knows them: which take new cases, which still have some."""

from collections.abc import Awaitable
from dataclasses import dataclass

from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.errors import BadInput, Trouble
from runtime.builds import DEPLOYMENT

DRAINAGE: dict[int, str] = {1: "draining: cases still run on it", 2: "drained: its workers may go"}


@dataclass(frozen=True)
class Rollout:
    """What becomes of each build, by its id, and where new cases go (empty: to no build)."""

    builds: dict[str, str]
    current: str
    ramping: str
    percent: float


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
