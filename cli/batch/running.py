"""What the commands of `batch` do with a session."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from temporalio.client import WorkflowExecution

from cli import cases
from cli.batch import results as files
from cli.batch import sending, starting
from cli.batch.estimate import estimate
from cli.batch.following import Following
from cli.batch.inputs import Inputs, inputs
from cli.commands import out
from cli.errors import BadInput, Trouble
from cli.processes import ProcessEntry, process
from cli.session import Session, say
from cli.shadows.promoting import of_process
from insight.shown.words import dollars, length
from workflows.calls import MAIN_QUEUE
from workflows.data.case_batch import CaseBatchResult, Raise
from workflows.grades import Grade


def prepared(entry: ProcessEntry, path: Path, results: Path | None, wish: starting.Wish) -> Inputs:
    """Read the inputs and check all that can be checked. Raises BadInput."""
    starting.work_of(entry, wish.grade or Grade.VISIBLE)
    found = inputs(path, entry.record)
    starting.check(found, strict=wish.strict)
    if results is not None:
        files.check(results)
    return found


async def run(
    here: Session,
    entry: ProcessEntry,
    given: Inputs,
    wish: starting.Wish,
    results: Path | None,
    *,
    redrive: str = "",
    detach: bool = False,
    as_json: bool = False,
    queue: str = MAIN_QUEUE,
) -> None:
    """Start a batch; unless detached, show it until it ends, and write its results."""
    redriven = await starting.earlier(here, entry, redrive, wish.grade) if redrive else None
    promoted = await of_process(here, entry)
    runs = promoted.runs if promoted else None
    if runs is not None:
        given.cast, queue = runs.given, runs.queue(queue)
    doing = starting.Doing(entry, runs, starting.grade_of(wish, redriven, runs))
    to_do, work = len(given.places), doing.work()
    if redriven is not None:
        found = sending.results(here.client, redriven.ref, redriven.origins[-1], queue=queue)
        to_do = await starting.left(found, given, work)
    foreseen = await estimate(here.client, entry.name, to_do, wish.window)
    starting.agreed(foreseen, to_do, wish)
    handle, order = await starting.start(here, doing, given, wish, redriven, queue)
    say(f"batch {handle.id} started; pause it with `starter.py batch pause {handle.id}`")
    if detach:
        if as_json:
            out({"batch": handle.id, "ui": here.page(handle.id)})
        return
    if results is not None:
        files.begin(results, given)
    paid = order.usd is not None
    following = Following(here, handle, order.ref, given, results, queue, has_budget=paid)
    following.foreseen = foreseen is not None
    await finish(following, as_json=as_json)


async def finish(following: Following, *, as_json: bool) -> None:
    """Follow a batch to its end and tell how it went. Raises Trouble if too many cases failed."""
    done = await following.to_the_end(Console(stderr=True), quiet=as_json)
    given = following.inputs
    changed = given is not None and given.changed()
    if changed and given is not None:
        say(
            f"{given.path} has changed since it was read: the results are those of its content with"
            f" sha256 {given.sha256[:12]}; --redrive {following.handle.id} does what is new in it"
        )
    if as_json:
        told = {"batch": following.handle.id, "inputs_changed": changed}
        out(told | done.model_dump(mode="json"))
    else:
        say(summed(done))
    if done.spread.reason != "complete":
        raise Trouble(
            f"{following.handle.id} stopped: {done.spread.failed:,} cases failed, more than"
            f" tolerated; after a look at them, --redrive {following.handle.id} does the rest"
        )


def summed(done: CaseBatchResult) -> str:
    """Say in some lines how a batch ended."""
    spread = done.spread
    took = spread.ended - spread.started
    lines = [
        f"{spread.succeeded:,} of {spread.total:,} cases of {done.process} succeeded"
        f" ({spread.already:,} before), {spread.failed:,} failed, {spread.not_run:,} not run,"
        f" {done.inputs.refused:,} inputs refused",
        f"${dollars(done.cost.usd)} for {done.cost.calls:,} model calls, in {length(took)}",
    ]
    if spread.failed_keys:
        more = " ..." if spread.failed > len(spread.failed_keys[:10]) else ""
        lines.append(f"failed: {', '.join(spread.failed_keys[:10])}{more}")
    return "\n".join(lines)


async def watch(here: Session, batch: str, *, as_json: bool) -> None:
    """Show a batch until it ends."""
    await finish(await _following(here, batch), as_json=as_json)


async def pause(here: Session, batch: str) -> None:
    """Start no more cases."""
    handle = await _open_batch(here, batch)
    await handle.signal("pause")
    say(f"{handle.id}: no more cases are started; those in flight go on to their end")


async def resume(here: Session, batch: str, usd: Decimal | None) -> None:
    """Go on, with more money if it is given. Raises BadInput for a batch without a budget."""
    handle = await _open_batch(here, batch)
    if usd is not None:
        if (await starting.started_with(here, handle)).usd is None:
            raise BadInput(f"{batch} was started without a budget, so nothing bounds it")
        await handle.signal("raise_budget", Raise(usd=usd))
    await handle.signal("resume")
    say(f"{handle.id} goes on{f' with ${usd} in all' if usd is not None else ''}")


async def status(here: Session, batch: str, *, as_json: bool) -> None:
    """Show how far a batch has come."""
    following = await _following(here, batch)
    look, id = await following.look(), following.handle.id
    state = _state(await following.handle.describe())
    if as_json:
        money = look.money and look.money.model_dump(mode="json")
        now = look.progress.model_dump(mode="json")
        out({"batch": id, "status": state, **now, "budget": money})
        return
    total = "?" if look.progress.total is None else f"{look.progress.total:,}"
    say(f"{id} ({state}): {look.progress.done:,} of {total} done, {look.told()}")
    if state not in ("running", "completed"):
        say(f"cases that ended after it last counted are in `starter.py batch results {id} FILE`")


async def write(
    here: Session,
    batch: str,
    file: Path,
    given: Path | None,
    *,
    as_json: bool,
    queue: str = MAIN_QUEUE,
) -> None:
    """Write the results there are by now. Raises BadInput if the inputs are not those."""
    following = await _following(here, batch, queue)
    order = await starting.started_with(here, following.handle)
    found = inputs(given, process(order.process).record) if given else None
    if found is not None and found.sha256 != order.inputs.sha256:
        raise BadInput(f"{given} is not what {batch} was started with; leave --inputs out")
    files.check(file)
    counts = await files.write(file, following.all_results(), found)
    if as_json:
        out({"batch": following.handle.id, "file": str(file), "states": counts})
        return
    told = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    say(f"{file}: {told or 'no result yet'}")


async def show_list(here: Session, *, as_json: bool) -> None:
    """List the batches, newest first."""
    found = [w async for w in here.client.list_workflows("WorkflowType = 'batch'")]
    found = [w for w in found if w.status is None or w.status.name != "CONTINUED_AS_NEW"]
    found.sort(key=lambda w: w.start_time, reverse=True)
    rows: list[dict[str, Any]] = [{"batch": w.id, "status": _state(w)} for w in found]
    if as_json:
        out(rows)
        return
    for row in rows:
        say(f"{row['batch']}  {row['status']}")


def _state(found: WorkflowExecution) -> str:
    """Name the state of a batch as the server does, in small letters."""
    return found.status.name.lower() if found.status else "unknown"


async def _following(here: Session, batch: str, queue: str = MAIN_QUEUE) -> Following:
    handle = await starting.batch_handle(here, batch)
    order = await starting.started_with(here, handle)
    return Following(here, handle, order.ref, queue=queue, has_budget=order.usd is not None)


async def _open_batch(here: Session, batch: str) -> cases.Handle:
    handle = await starting.batch_handle(here, batch)
    if (await handle.describe()).close_time is not None:
        raise Trouble(f"{batch} has ended already")
    return handle
