"""The demo: a real case, decided at its gate by the demo itself; with `--crash`, through kills."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.text import Text

from cli import cases, show
from cli.errors import BadInput, Trouble
from cli.explanation import explanation
from cli.processes import ProcessEntry
from cli.session import Session, say
from cli.tail import Tail
from cli.watch import asking, closed, done, under_way, watching
from insight.history.counts import completed_again
from insight.history.reader import ordered
from insight.report import Report
from runtime.stack import Child
from store.database import Store
from store.journal import Journal
from store.ledger import Ledger
from store.uncertain import open_of
from workflows.data.common import GateView, Record
from workflows.data.decision import DecisionRecord

SLOWEST = 120.0
"""Seconds the demo waits for a gate or an end before it gives up and says so."""
GLANCE = 0.2
"""Seconds between two looks for an open gate."""


@dataclass
class Kills:
    """What was killed, and how many calls were under way then."""

    done: list[dict[str, Any]] = field(default_factory=list)

    @property
    def in_flight(self) -> int:
        """Calls under way at the kills, together."""
        return sum(int(k["in_flight"]) for k in self.done)


@dataclass(frozen=True)
class Shown:
    """What the demo came to."""

    case: str
    record: DecisionRecord
    report: Report
    proof: dict[str, Any]
    decided_by: tuple[str, ...]


async def demo(
    here: Session,
    entry: ProcessEntry,
    given: Record,
    console: Console,
    *,
    crash: bool,
    quiet: bool,
) -> Shown:
    """Run a case to its decision. Raises BadInput for a crash of a stack we did not start."""
    if crash and here.stack is None:
        raise BadInput(
            "demo --crash kills the worker and the server, so it refuses a stack it did not"
            " start; end the running one (Ctrl-C in `starter.py stack`) first"
        )
    handle = await cases.start(here.client, entry, given)
    say(f"case {handle.id} started")
    kills = Kills()
    async with watching(handle, console, quiet=quiet) as tail:
        if crash:
            await crash_through(here, tail, kills)
        decided = await _answer_gates(handle, tail)
        known = await tail.until(closed)
        record = await cases.result(handle, DecisionRecord)
    proof = await _proof(here, handle.id, tail, kills)
    return Shown(handle.id, record, known, proof, decided)


async def crash_through(here: Session, tail: Tail, kills: Kills) -> None:
    """SIGKILL the worker while models are asked, then the server while others are.

    Raises Trouble when it is too late for that.
    """
    stack = here.stack
    assert stack is not None  # noqa: S101 - demo() refused otherwise
    known = await _kill(here, stack.worker, tail, kills, asking())
    await _kill(here, stack.server, tail, kills, asking(after=done(known)))


async def _kill(
    here: Session, child: Child, tail: Tail, kills: Kills, ready: Callable[[Report], bool]
) -> Report:
    """Kill in the next moment that is `ready`; gives what was known of the case then.

    What a history tells may be over when it is read. So the vendors are held while we look again
    and kill: no call can end in between.
    """
    stack = here.stack
    assert stack is not None  # noqa: S101 - demo() refused otherwise
    while True:
        await _moment(tail, child, ready)
        with _held(stack.simulator):
            known = await tail.settled()
            if not ready(known):
                continue
            worker = stack.worker_identity
            pid = await stack.kill(child)
        calls = len(under_way(known))
        if child is stack.worker:  # it may have begun another since we looked
            async with Store.opened(here.settings.database) as store:
                calls = max(calls, await open_of(store, worker))
        say(f"demo: killed the {child.name} (pid {pid}) with {calls} calls under way")
        kills.done.append({"part": child.name, "pid": pid, "in_flight": calls})
        return known


@contextmanager
def _held(child: Child) -> Iterator[None]:
    """Stop a child, as if it took its time, while the block runs."""
    assert child.process is not None  # noqa: S101 - children are started on entry
    held = child.process
    with suppress(ProcessLookupError):  # it is being restarted, and silent enough
        held.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            held.send_signal(signal.SIGCONT)


async def _moment(tail: Tail, child: Child, ready: Callable[[Report], bool]) -> None:
    """Wait until the case is `ready`. Raises Trouble once it stands at a gate or has closed."""
    moment = asyncio.create_task(tail.until(lambda known: closed(known) or ready(known)))
    gate = asyncio.create_task(_at_a_gate(tail.handle))
    try:
        both = (moment, gate)
        await asyncio.wait(both, timeout=SLOWEST, return_when=asyncio.FIRST_COMPLETED)
        if moment.done() and ready(moment.result()):
            return
        if moment.done() or gate.done():
            raise Trouble(
                f"too late to kill the {child.name}: no model is asked any more."
                " A lower --speed leaves more time"
            )
        raise Trouble(
            f"nothing happened for {SLOWEST:.0f} s; `starter.py explain {tail.handle.id}` and"
            " .braid/logs say where it stands"
        )
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)


async def _at_a_gate(handle: cases.Handle) -> None:
    """Wait until the case is reviewed; hits are judged while models are still asked."""
    while all(gate.name.startswith("hit-") for gate in await _open_gates(handle)):
        await asyncio.sleep(GLANCE)


async def _answer_gates(handle: cases.Handle, tail: Tail) -> tuple[str, ...]:
    """Answer every gate as proposed, one entitled person after the other."""
    decided: list[str] = []
    loop = asyncio.get_running_loop()
    end = loop.time() + SLOWEST
    while loop.time() < end:
        known = tail.report()
        if known is not None and closed(known):
            return tuple(decided)
        if gates := await _open_gates(handle):
            gate = gates[0]
            who = gate.may_decide[0]
            comment = f"answered by the demo in the name of {who}"
            await cases.decide(handle, cases.as_proposed(gate, who, comment))
            say(f"demo: gate {gate.name!r} answered as {who}: {gate.proposal}")
            decided.append(who)
        else:
            await asyncio.sleep(GLANCE)
    raise Trouble(f"the case did not close within {SLOWEST:.0f} s")


async def _open_gates(handle: cases.Handle) -> list[GateView]:
    try:
        return await cases.ask(handle, "open_gates", list[GateView])
    except Trouble:
        return []  # the worker is being restarted: ask again


async def _proof(here: Session, case: str, tail: Tail, kills: Kills) -> dict[str, Any]:
    """Count, from history, journal and ledger, what a crash could have done twice."""
    async with Store.opened(here.settings.database) as store:
        journal, ledger = Journal(store), Ledger(store)
        uncertain = await journal.uncertain(case)
        return {
            "completed_branches_rerun": completed_again(ordered(tail.events)),
            "repeated_paid_calls": await journal.repeated_paid(case),
            "duplicate_effects": await ledger.duplicates(case),
            "uncertain": [
                {"branch": c.branch, "call": c.call, "vendor": c.vendor, "worker": c.worker}
                for c in uncertain
            ],
            "in_flight_at_kills": kills.in_flight,
            "kills": kills.done,
        }


def as_json(shown: Shown, here: Session) -> dict[str, Any]:
    """Give the whole demo as one JSON object."""
    known = shown.report
    return {
        "case": shown.case,
        "outcome": shown.record.outcome,
        "decided_by": list(shown.decided_by),
        **shown.proof,
        "usd": str(shown.record.usd),
        "seconds": {
            "machine": known.machine.total_seconds(),
            "waiting": known.waiting.total_seconds(),
            "sequential": known.sequential.total_seconds(),
            "parallel": known.parallel.total_seconds(),
        },
        "speedup": round(known.speedup, 2),
        "speed_factor": here.addresses.speed if here.addresses else None,
        "simulated": not here.settings.live,
        "ui": here.page(shown.case),
        "decision": shown.record.model_dump(mode="json"),
    }


def draw(shown: Shown, here: Session, console: Console) -> None:
    """Show what the demo came to, and how to look closer."""
    console.print(show.decision(shown.record))
    if shown.proof["kills"]:
        console.print(_crash_lines(shown.proof))
    console.print()
    console.print(explanation(shown.report, console))
    speed = here.addresses.speed if here.addresses else 1
    console.print()
    console.print(
        f"All vendors and registers were simulated on this machine, at {speed:g} times their"
        " real speed; nothing was paid and nothing left it.",
        style="dim",
    )
    lines = [
        ("in the Temporal UI", f"make stack, then open {here.page(shown.case)}"),
        ("as a page", f".venv/bin/python starter.py explain {shown.case} --html run.html --open"),
        ("another case", "make demo ARGS=cases/unilever.yaml"),
        ("kill worker and server in mid-flight", "make demo ARGS=--crash"),
    ]
    for what, how in lines:
        console.print(Text.assemble((f"{what}: ", "dim"), how), soft_wrap=True)


def _crash_lines(proof: dict[str, Any]) -> Text:
    text = Text("\nafter the crashes\n", style="italic")
    for kill in proof["kills"]:
        text.append(
            f"  killed {kill['part']} (pid {kill['pid']}), {kill['in_flight']} calls under way\n",
            style="not italic",
        )
    for name in ("completed_branches_rerun", "repeated_paid_calls", "duplicate_effects"):
        text.append(f"  {name.replace('_', ' ')}: {proof[name]}\n", style="bold not italic")
    calls = ", ".join(f"{c['branch']} {c['call']} {c['vendor']}" for c in proof["uncertain"])
    text.append(
        f"  uncertain (cut off by a kill, or given up on the way): {len(proof['uncertain'])}"
        f" {calls}\n  the vendors were held for a moment at each kill: it was sure to hit calls"
        " under way",
        style="not italic",
    )
    return text
