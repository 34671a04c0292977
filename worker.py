"""The worker: which activities answer the calls of the deployed workflows, on which queues.

`python worker.py` serves all queues; `--queues braid,llm-openai` only some of them.
"""

import gc

if __name__ == "__main__":
    gc.disable()  # until all is loaded: see lay_aside

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.bulk import BulkActivities
from activities.doors import door
from activities.journalled import CallDesk
from activities.llm.ask import ModelActivities
from activities.llm.batches import batch_doors
from activities.pairing import inner_doors
from activities.steps import StepActivities
from activities.wire import Wire
from deployed import NAMES, WORKFLOWS, BraidInterceptor, runner
from runtime.addresses import running_stack
from runtime.builds import DEPLOYMENT, build_named, code_of_workflows
from runtime.cached import only_recorded
from runtime.connection import connect_given, connect_to, is_given
from runtime.deadlocks import patient
from runtime.documents import Opened, converter, kept_in
from runtime.encryption import codec_for
from runtime.errors import NoServer
from runtime.gates import Noted
from runtime.gauges import Watched, watching
from runtime.logs import configure
from runtime.metrics import begin_runtime
from runtime.processes import die_with_parent, hold_little, lay_aside, leave
from runtime.settings import Settings, SettingsError
from runtime.spare import WAITS, awaited_name
from runtime.telemetry import tracing
from runtime.unopened import serving
from store.admission import Admission
from store.breakers import BreakerRule
from store.database import Store
from store.errors import StoreError
from store.open_gates import OpenGates
from workflows import calls
from workflows.data.answers import ANSWERS
from workflows.data.llm import VENDOR_QUEUE
from workflows.data.metrics import GateNote
from workflows.grades import Step
from workflows.steps.reading import read_document

STEPS: tuple[Step[Any, Any], ...] = (read_document,)
"""The steps that may run fused."""

MAIN = calls.MAIN_QUEUE
CALLS_AT_ONCE = 500
"""Model calls one worker has in flight on a vendor's queue: they only wait, and what a vendor bears
is held by permits (256 where the catalogue says nothing else), not by the SDK's 100.
"""

log = structlog.get_logger("worker")


@dataclass(frozen=True)
class Deployed:
    """Activities by the queue they belong on, and the queues there are. Close the `desk` of
    their calls at the end.
    """

    main: Sequence[Callable[..., Any]]
    vendor: Sequence[Callable[..., Any]]
    queues: tuple[str, ...]
    desk: CallDesk


def all_queues(settings: Settings) -> tuple[str, ...]:
    """List the queues: the main one, and one for each vendor that stands behind a role."""
    return (MAIN, *(VENDOR_QUEUE + vendor for vendor in settings.models.vendors_in_use))


def deploy(
    settings: Settings,
    store: Store,
    wire: Wire,
    client: Client,
    steps: Sequence[Step[Any, Any]] | None = None,
) -> Deployed:
    """Pair Calls with the code that answers them; `steps` (STEPS) may run fused.

    Raises SettingsError.
    """
    steps = STEPS if steps is None else steps
    admission = Admission(store, settings.models.limits, client.identity)
    desk = CallDesk(store, wire, admission, BreakerRule(pause=settings.breaker_pause))
    models = ModelActivities(settings, settings.models, desk, ANSWERS)
    main = inner_doors(settings, store, wire, desk, client) | {
        calls.RESOLVE_ROLES: models.resolve_roles
    }
    vendor = batch_doors(settings, store, wire, ANSWERS) | {calls.ASK_MODEL: models.ask_model}
    inside = {call.name: answer for call, answer in (main | vendor).items()}
    known = StepActivities(store, steps, inside)
    main[calls.RUN_STEP] = known.run_step
    main[calls.RUN_BULK] = BulkActivities(known, store, client).run_bulk
    return Deployed(
        main=[door(call, answer) for call, answer in main.items()],
        vendor=[door(call, answer) for call, answer in vendor.items()],
        queues=all_queues(settings),
        desk=desk,
    )


def workers(
    client: Client,
    deployed: Deployed,
    *,
    identity: str,
    queues: Sequence[str] = (),
    suffix: str = "",
    workflows: Sequence[type] = (),
    build: str = "",
    noting: Callable[[GateNote], None] | None = None,
) -> list[Worker]:
    """Make one worker per queue, for all of them if none is named. `suffix` sets a deployment apart
    (tests): `braid` + suffix. It serves `workflows`, all that are deployed if none is named. Of a
    `build` it takes the cases started on it, those alone to their end. `noting` hears of gates.
    """
    version = WorkerDeploymentVersion(DEPLOYMENT, build)
    versioned = WorkerDeploymentConfig(version, True, VersioningBehavior.PINNED) if build else None
    client = serving(client)

    def one(queue: str) -> Worker:
        main = queue == MAIN
        made = Worker(
            client,
            task_queue=queue + suffix,
            workflows=(workflows or WORKFLOWS) if main else (),
            activities=deployed.main if main else deployed.vendor,
            workflow_runner=runner(),
            interceptors=[BraidInterceptor(identity, noting)],
            identity=identity,
            disable_eager_activity_execution=not main,
            max_concurrent_activities=None if main else CALLS_AT_ONCE,
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
            max_heartbeat_throttle_interval=timedelta(seconds=1),
            graceful_shutdown_timeout=timedelta(seconds=10),
            deployment_config=versioned,
            build_id=None if versioned else code_of_workflows(),
        )
        return only_recorded(patient(made))

    return [one(queue) for queue in queues or deployed.queues]


async def serve(options: argparse.Namespace, settings: Settings) -> None:
    """Serve the queues until SIGTERM or SIGINT, then let running attempts end."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.database)
        stack.push_async_callback(store.close)
        client, settings = await _connected(options, settings, kept_in(store))
        identity = options.identity or client.identity
        wire = Wire(settings)
        stack.push_async_callback(wire.close)
        deployed = deploy(settings, store, wire, client)
        stack.push_async_callback(deployed.desk.close)
        queues = options.queues or deployed.queues
        suffix = f"-{options.suffix}" if options.suffix else ""
        build = build_named(options.build or "")
        gates = Noted(OpenGates(store, client.namespace))
        served = workers(
            client,
            deployed,
            identity=identity,
            queues=queues,
            suffix=suffix,
            build=build,
            noting=gates.note if settings.metrics else None,
        )
        if settings.metrics:  # longer than the workers, whose gates it keeps
            watched = [queue + suffix for queue in queues]
            what = Watched(watched, settings.models.vendors_in_use, NAMES)
            await stack.enter_async_context(watching(client, store, what, gates))
        for one in served:
            await stack.enter_async_context(one)
        lay_aside()
        log.info(
            "worker ready", identity=identity, build=build, queues=list(queues), live=settings.live
        )
        await end.wait()
        log.info("worker stopping", identity=identity)


async def _connected(
    options: argparse.Namespace, settings: Settings, opened: Opened
) -> tuple[Client, Settings]:
    """Connect to the address or service given, else to this clone's stack. Raises NoServer."""
    found = None
    if not options.address and not is_given(options.profile):
        if (found := running_stack(settings.data)) is None:
            raise NoServer(
                "no Temporal service is given and no stack of this clone runs: set"
                " TEMPORAL_ADDRESS, or start one with `make stack` (it brings a worker of its own)"
            )
        settings = found.fit(settings)
    large = converter(opened, codec_for(settings, embedded=found is not None))
    if address := found.grpc if found else options.address:
        return await connect_to(address, options.identity, converter=large), settings
    return await connect_given(options.profile, options.identity, converter=large), settings


def _chosen(said: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """Read `--queues`. Raises SettingsError naming those there are."""
    chosen = tuple(filter(None, (said or "").split(",")))
    if unknown := sorted(set(chosen) - set(known)):
        raise SettingsError(
            f"--queues: {', '.join(unknown)} not known; use {', '.join(known)}"
            " (a vendor has a queue when a role of the catalogue names one of its models)"
        )
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker. Exit codes: 0 stopped, 2 bad settings, 3 no server."""
    parser = argparse.ArgumentParser(prog="worker.py", description=__doc__)
    parser.add_argument("--queues", help="comma-separated, as braid,llm-openai; all if left out")
    parser.add_argument("--address", help="Temporal address; else TEMPORAL_* variables")
    parser.add_argument("--profile", help="profile of the Temporal configuration file")
    parser.add_argument("--suffix", help="a build set apart: serves braid-SUFFIX and so on")
    parser.add_argument("--build", help="takes cases started on it; auto: its code's (deploy)")
    parser.add_argument("--identity", help="name of this worker in histories")
    parser.add_argument(WAITS, action="store_true", help="load all, then read it from stdin")
    parser.add_argument("--live", action="store_true", help="call real vendors (costs money)")
    parser.add_argument("--die-with-parent", action="store_true", help="end with the parent")
    options = parser.parse_args(arguments)
    if options.die_with_parent:
        die_with_parent()
    if options.spare:  # before settings are read: they are those of the moment it serves from
        options.identity = awaited_name()
    try:
        settings = Settings.from_env()
        settings = replace(settings, live=options.live or settings.live)
        options.queues = _chosen(options.queues, all_queues(settings))
        configure(settings.log_format)
        begin_runtime(settings)
        with tracing("braid-worker", settings):
            asyncio.run(serve(options, settings))
    except (SettingsError, StoreError) as error:
        sys.stderr.write(f"worker: {error}\n")
        return 2
    except NoServer as error:
        sys.stderr.write(f"worker: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    hold_little()
    leave(main())
